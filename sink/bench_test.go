package sink_test

import (
	"context"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// gate is a sink that holds its first Write until it is opened, and then keeps
// nothing.
type gate struct{ entered, open chan struct{} }

func (g *gate) Write(context.Context, []*entry.Entry) error {
	select {
	case <-g.open:
		return nil
	default:
	}
	close(g.entered)
	<-g.open
	return nil
}

func (g *gate) Close(context.Context) error { return nil }

// BenchmarkEnqueue is what the request path pays, while the worker is busy. The
// entries of a round have just been made, as on a request's path.
func BenchmarkEnqueue(b *testing.B) {
	const round = 256
	b.ReportAllocs()
	for range b.N {
		b.StopTimer()
		g := &gate{make(chan struct{}), make(chan struct{})}
		q, err := sink.NewQueue(g, &sink.QueueOptions{MaxBytes: 4 << 20, Linger: -1})
		if err != nil {
			b.Fatal(err)
		}
		q.Enqueue(exchange(q))
		<-g.entered // or the worker would take its share of the time
		entries := make([]*entry.Entry, round)
		for i := range entries {
			entries[i] = exchange(q)
		}
		b.StartTimer()
		for _, e := range entries {
			q.Enqueue(e)
		}
		b.StopTimer()
		close(g.open)
		if err := q.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/round, "ns/entry")
}

// BenchmarkQueue is the whole of it, in the process: capture, sanitize, encode,
// into a sink that keeps nothing. 1 KB of JSON each way.
func BenchmarkQueue(b *testing.B) {
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		for !q.Enqueue(exchange(q)) {
			_ = q.Flush(context.Background())
		}
		if i++; i%4096 == 0 {
			_ = q.Flush(context.Background())
		}
	}
	if err := q.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
}

var body = func() []byte {
	b := []byte(`{"items":[`)
	for len(b) < 990 {
		b = append(b, `{"id":1234,"name":"아이템","price":5900,"token":"abcdef0123456789"},`...)
	}
	return append(b, `{}]}`...)
}()

func exchange(q *sink.Queue) *entry.Entry {
	e := &entry.Entry{
		TxID: "019c1b2e-7f00-7abc-8def-0123456789ab", Kind: entry.KindServer, Message: "POST /items 200",
		HTTP: entry.HTTP{Method: "POST", URL: "/items?lang=ko", Route: "/items", Status: 200, UserAgent: "Mozilla/5.0 (iPhone) KAKAOTALK/26.3.5", RemoteIP: "192.0.2.7"},
	}
	for _, m := range []*entry.Message{&e.Request, &e.Response} {
		m.Headers = []entry.Header{
			{Name: "Accept", Value: "*/*"},
			{Name: "Authorization", Value: "Bearer 0123456789abcdef"},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Cookie", Value: "session=0123456789abcdef; theme=dark"},
		}
		m.Body = entry.Body{Raw: append(q.Buffers().Get(len(body)), body...), Type: "application/json", Size: int64(len(body))}
	}
	return e
}
