package stdoutsink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
	"github.com/txtrail/txtrail/txid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parseLines reads a stream back.
func parseLines(b []byte) ([]*entry.Entry, error) {
	var es []*entry.Entry
	for line := range bytes.Lines(b) {
		e, err := entry.Parse(line)
		if err != nil {
			return nil, fmt.Errorf("%w: %.100q", err, line)
		}
		// What stands beside the canonical line is for the agents.
		if e, err = entry.Parse(e.AppendJSON(nil)); err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, nil
}

func open(t *testing.T, w io.Writer, opts *stdoutsink.Options) *stdoutsink.Sink {
	t.Helper()
	s, err := stdoutsink.New(w, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	for name, tt := range map[string]struct {
		opts    stdoutsink.Options
		stored  func([]byte) ([]*entry.Entry, error)
		altered bool
	}{
		"whole lines":     {stdoutsink.Options{MaxLine: -1}, parseLines, false},
		"shortened lines": {stdoutsink.Options{Shorten: true}, parseLines, true},
		"split lines":     {stdoutsink.Options{ProjectID: "shop-test"}, collect, false},
		"for CRI-O":       {stdoutsink.Options{MaxLine: 8 << 10}, collect, false},
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				w := &gate{open: make(chan struct{}), room: 1 << 30}
				close(w.open)
				return sinktest.Harness{
					Sink:    open(t, w, &tt.opts),
					Stored:  func() ([]*entry.Entry, error) { return tt.stored(w.Bytes()) },
					Altered: tt.altered,
					Block: func() func() {
						w.open = make(chan struct{})
						return func() { close(w.open) }
					},
				}
			})
		})
	}
}

func TestNew(t *testing.T) {
	if _, err := stdoutsink.New(nil, nil); !errors.Is(err, stdoutsink.ErrOptions) {
		t.Error("New without a writer: no error")
	}
	if _, err := stdoutsink.New(io.Discard, &stdoutsink.Options{MaxLine: 100}); !errors.Is(err, stdoutsink.ErrOptions) || !strings.Contains(err.Error(), "at least 4096") {
		t.Errorf("New with a MaxLine of 100: %v", err)
	}
}

// meter takes so many bytes and then fails.
type meter struct {
	bytes.Buffer
	room  int
	err   error
	calls int
}

func (m *meter) Write(b []byte) (int, error) {
	m.calls++
	if len(b) <= m.room {
		m.room -= len(b)
		return m.Buffer.Write(b)
	}
	n, _ := m.Buffer.Write(b[:m.room])
	m.room = 0
	return n, m.err
}

func TestOneWritePerBatch(t *testing.T) {
	m := &meter{room: 1 << 20}
	if err := open(t, m, nil).Write(t.Context(), sinktest.Samples(0, 50)); err != nil {
		t.Fatal(err)
	}
	if m.calls != 1 {
		t.Errorf("%d writes, want 1", m.calls)
	}
}

// TestShortWrite cuts the stream at every byte: what is reported as failed is
// written again, and every whole line on the stream reads.
func TestShortWrite(t *testing.T) {
	batch := sinktest.Samples(0, 3)
	var whole bytes.Buffer
	if err := open(t, &whole, nil).Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for room := 0; room < whole.Len()-1; room += 7 {
		m := &meter{room: room, err: syscall.EAGAIN}
		s := open(t, m, nil)
		err := s.Write(t.Context(), batch)
		var partial *sink.PartialError
		if !errors.As(err, &partial) || sink.IsPermanent(err) {
			t.Fatalf("room for %d: Write = %v, want a retryable PartialError", room, err)
		}
		m.room = 1 << 20
		var rest []*entry.Entry
		for _, f := range partial.Failed {
			rest = append(rest, batch[f.Index])
		}
		if err := s.Write(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for line := range bytes.Lines(m.Bytes()) {
			if e, err := entry.Parse(line); err == nil {
				seen[e.InsertID]++
			}
		}
		for _, e := range batch {
			if seen[e.InsertID] != 1 {
				t.Fatalf("room for %d: entry %s reads %d times\n%s", room, e.InsertID, seen[e.InsertID], m.Bytes())
			}
		}
	}
}

func TestGoneIsPermanent(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	pr.Close()
	defer pw.Close()
	if err := open(t, pw, nil).Write(t.Context(), sinktest.Samples(0, 1)); !sink.IsPermanent(err) {
		t.Errorf("Write to a pipe that nobody reads: %v, want a permanent error", err)
	}
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := open(t, f, nil).Write(t.Context(), sinktest.Samples(0, 1)); !sink.IsPermanent(err) {
		t.Errorf("Write to a closed file: %v, want a permanent error", err)
	}
	if err := open(t, &meter{err: nil}, nil).Write(t.Context(), sinktest.Samples(0, 1)); err == nil || sink.IsPermanent(err) {
		t.Errorf("Write to a writer that takes nothing and says nothing: %v, want a retryable error", err)
	}
}

func text(n int) []byte {
	return []byte(strings.Repeat("\"가나다\"\n\x01\u0085 abc", n/10+1)[:n])
}

func TestMaxLine(t *testing.T) {
	long := strings.Repeat("긴", 3000)
	tests := map[string]struct {
		make    func(e *entry.Entry)
		content bool // something of both bodies is left
	}{
		"response": {func(e *entry.Entry) { e.Response.Body.Content = text(100_000) }, true},
		"request":  {func(e *entry.Entry) { e.Request.Body.Content = text(20_000) }, true},
		"both":     {func(e *entry.Entry) { e.Request.Body.Content, e.Response.Body.Content = text(60_000), text(60_000) }, true},
		"stack":    {func(e *entry.Entry) { e.Error.Stack = strings.Repeat("main.go:1\n", 1600) }, false},
		"headers": {func(e *entry.Entry) {
			for i := range 200 {
				e.Request.Headers = append(e.Request.Headers, entry.Header{Name: fmt.Sprintf("X-%d", i), Value: strings.Repeat("v", 300)})
			}
		}, false},
		"everything": {func(e *entry.Entry) {
			e.Request.Body.Content, e.Response.Body.Content = text(60_000), text(60_000)
			for i := range 200 {
				h := entry.Header{Name: fmt.Sprint(long[:400], i), Value: long[:300]}
				e.Request.Headers, e.Response.Headers = append(e.Request.Headers, h), append(e.Response.Headers, h)
				e.Request.Trailers, e.Response.Trailers = append(e.Request.Trailers, h), append(e.Response.Trailers, h)
			}
			for i := range 32 {
				l := entry.Label{Name: fmt.Sprint(i, long[:90]), Value: long[:3000]}
				e.Labels, e.Attributes, e.Facts.Carried = append(e.Labels, l), append(e.Attributes, l), append(e.Facts.Carried, l)
				e.Flags = append(e.Flags, long)
			}
			for _, s := range []*string{
				&e.Message, &e.HTTP.URL, &e.HTTP.Referer, &e.HTTP.UserAgent, &e.HTTP.Route, &e.HTTP.Method, &e.HTTP.Protocol, &e.HTTP.RemoteIP,
				&e.HTTP.ServerAddress, &e.Error.Type, &e.Error.Message, &e.Error.Stack, &e.Logger, &e.Refused, &e.Facts.UserID, &e.Facts.Device,
				&e.Facts.OS, &e.Facts.AppVersion, &e.Facts.Country, &e.Facts.EntryPage, &e.Request.Body.Type, &e.Response.Body.Type,
				&e.Request.Body.ContentEncoding, &e.Response.Body.ContentEncoding, &e.Source.File, &e.Source.Function,
			} {
				*s = long
			}
			e.TxID = txid.ID(strings.Repeat("x", 128))
			e.Resource = &entry.Resource{Service: long[:510], Version: long[:510], Host: long[:510], Instance: long[:510]}
		}, false},
	}
	for _, limit := range []int{stdoutsink.MinMaxLine, 8 << 10, stdoutsink.DefaultMaxLine} {
		for name, tt := range tests {
			e := sinktest.Unsealed(1)
			tt.make(e)
			sinktest.Seal(e)
			whole, err := entry.Parse(e.Line())
			if err != nil {
				t.Fatal(err)
			}
			var buf bytes.Buffer
			if err := open(t, &buf, &stdoutsink.Options{MaxLine: limit, Shorten: true}).Write(t.Context(), []*entry.Entry{e}); err != nil {
				t.Errorf("%s, %d: %v", name, limit, err)
				continue
			}
			if buf.Len() > limit || !json.Valid(buf.Bytes()) {
				t.Errorf("%s: %d bytes, want at most %d, of JSON", name, buf.Len(), limit)
			}
			got, err := entry.Parse(buf.Bytes())
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got.TxID != whole.TxID || got.InsertID != whole.InsertID || !got.Time.Equal(whole.Time) || got.Span != whole.Span || got.HTTP.Status != whole.HTTP.Status {
				t.Errorf("%s: what the entry is found by has changed", name)
			}
			req, res := got.Request.Body, got.Response.Body
			if !bytes.HasPrefix(whole.Request.Body.Content, req.Content) || !bytes.HasPrefix(whole.Response.Body.Content, res.Content) {
				t.Errorf("%s: a content is not the beginning of what it was", name)
			}
			if tt.content {
				if len(req.Content) == 0 || len(res.Content) == 0 || buf.Len() < limit-64 {
					t.Errorf("%s: %d and %d bytes of content in a line of %d of at most %d", name, len(req.Content), len(res.Content), buf.Len(), limit)
				}
			}
			for _, b := range []struct{ got, whole entry.Body }{{req, whole.Request.Body}, {res, whole.Response.Body}} {
				if len(b.got.Content) < len(b.whole.Content) && (!b.got.Truncated || b.got.Reason != "line limit") {
					t.Errorf("%s: a body was cut and does not say so: %+v", name, b.got)
				}
				if len(b.got.Content) == len(b.whole.Content) && len(b.got.Content) > 0 && b.got.Truncated {
					t.Errorf("%s: a body is whole and says that it was cut", name)
				}
			}
		}
	}
}

func FuzzMaxLine(f *testing.F) {
	f.Add([]byte("body"), "header", 5000, 3)
	f.Add(text(200), "\x00", 4096, 200)
	f.Fuzz(func(t *testing.T, body []byte, s string, limit, times int) {
		limit = stdoutsink.MinMaxLine + int(uint(limit)%20000)
		times = int(uint(times) % 300)
		e := sinktest.Unsealed(1)
		e.Request.Body.Content = bytes.Repeat(body, times)
		e.Response.Body.Content = bytes.Repeat(body, times/2)
		e.HTTP.URL, e.Message, e.Error.Stack, e.Facts.UserID = s, s, strings.Repeat(s, times), s
		for range times {
			e.Response.Headers = append(e.Response.Headers, entry.Header{Name: s, Value: s})
			e.Attributes = append(e.Attributes, entry.Label{Name: s, Value: s})
		}
		sinktest.Seal(e)
		var buf bytes.Buffer
		if err := open(t, &buf, &stdoutsink.Options{MaxLine: limit, Shorten: true}).Write(t.Context(), []*entry.Entry{e}); err != nil {
			t.Fatal(err)
		}
		if buf.Len() > limit && len(e.Line())+1 > limit {
			t.Fatalf("%d bytes, want at most %d", buf.Len(), limit)
		}
		got, err := entry.Parse(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got.InsertID != e.InsertID {
			t.Fatalf("InsertID %q", got.InsertID)
		}
	})
}

func TestConcurrentWithQueue(t *testing.T) {
	var buf bytes.Buffer
	s := open(t, &buf, nil)
	var wg sync.WaitGroup
	for range 3 {
		q, err := sink.NewQueue(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 200 {
				q.Enqueue(&entry.Entry{Kind: entry.KindLog})
			}
			if err := q.Flush(context.Background()); err != nil {
				t.Error(err)
			}
		})
		defer q.Close(context.Background())
	}
	wg.Wait()
	if es, err := parseLines(buf.Bytes()); err != nil || len(es) != 600 {
		t.Errorf("%d entries, want 600; %v", len(es), err)
	}
}

func Example() {
	ctx := context.Background()
	s, err := stdoutsink.New(os.Stdout, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	q, err := sink.NewQueue(s, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := sinktest.Unsealed(7)
	*e = entry.Entry{Time: e.Time, InsertID: e.InsertID, TxID: e.TxID, Kind: entry.KindLog, Severity: entry.SeverityInfo}
	q.Enqueue(e)
	if err := q.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"time":"2026-07-04T19:04:05.130456789Z","txid":"sinktest-000000","logging.googleapis.com/insertId":"sinktest000000000007","severity":"INFO","kind":"log","logging.googleapis.com/labels":{"txid":"sinktest-000000"},"logging.googleapis.com/operation":{"id":"sinktest-000000","producer":"github.com/txtrail/txtrail"},"labels":[]}
}
