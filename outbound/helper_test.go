package outbound_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// recorder keeps what transports hand over, as it was before the queue.
type recorder struct {
	queue *sink.Queue

	mu      sync.Mutex
	entries []*entry.Entry
	more    chan struct{}
}

func newRecorder(t testing.TB) *recorder {
	t.Helper()
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })
	return &recorder{queue: q, more: make(chan struct{}, 1)}
}

func (r *recorder) onEntry(_ context.Context, e *entry.Entry) {
	c := *e
	c.Request.Body.Raw = slices.Clone(e.Request.Body.Raw)
	c.Response.Body.Raw = slices.Clone(e.Response.Body.Raw)
	c.Request.Headers = slices.Clone(e.Request.Headers)
	c.Response.Headers = slices.Clone(e.Response.Headers)
	c.Request.Trailers = slices.Clone(e.Request.Trailers)
	c.Response.Trailers = slices.Clone(e.Response.Trailers)
	c.Facts.Carried = slices.Clone(e.Facts.Carried)
	c.Flags, c.Labels = slices.Clone(e.Flags), slices.Clone(e.Labels)
	r.mu.Lock()
	r.entries = append(r.entries, &c)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *recorder) all() []*entry.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries)
}

// wait returns the entries once there are n of them.
func (r *recorder) wait(t testing.TB, n int) []*entry.Entry {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		if es := r.all(); len(es) >= n {
			if len(es) > n {
				t.Fatalf("%d entries, want %d: %s", len(es), n, messages(es))
			}
			return es
		}
		select {
		case <-r.more:
		case <-limit:
			t.Fatalf("%d entries after 10 s, want %d: %s", len(r.all()), n, messages(r.all()))
		}
	}
}

// only returns the one entry.
func (r *recorder) only(t testing.TB) *entry.Entry {
	t.Helper()
	return r.wait(t, 1)[0]
}

func messages(es []*entry.Entry) (ms []string) {
	for _, e := range es {
		ms = append(ms, e.Message)
	}
	return ms
}

// transport wraps base; opts may be nil.
func (r *recorder) transport(t testing.TB, base http.RoundTripper, opts *outbound.Options) *outbound.Transport {
	t.Helper()
	var o outbound.Options
	if opts != nil {
		o = *opts
	}
	o.OnEntry = r.onEntry
	tr, err := outbound.NewTransport(base, r.queue, &o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// base returns a transport of net/http's that leaves nothing open.
func base(t testing.TB) *http.Transport {
	t.Helper()
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.Proxy = nil
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// scoped returns a context with a scope.
func scoped(t testing.TB) (context.Context, *txid.Scope) {
	t.Helper()
	p, err := txid.NewPropagator(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Start(time.Now())
	s.EntryPage = "GET /items"
	s.Carried = txid.Carried{{Name: txid.HeaderUser, Value: "u-4711"}, {Name: txid.HeaderDevice, Value: "iPhone15,2"}, {Name: "X-Client-Shop", Value: "kr"}}
	return txid.NewContext(t.Context(), s), s
}

// silent returns a propagator that adds nothing to any request.
func silent(t testing.TB) *txid.Propagator {
	t.Helper()
	hosts, err := txid.NewHosts("-private")
	if err != nil {
		t.Fatal(err)
	}
	p, err := txid.NewPropagator(&txid.Options{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(t testing.TB, ctx context.Context, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// drain reads and closes a response's body.
func drain(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stamped are the headers that a scope adds.
var stamped = []string{txid.Header, txid.HeaderParent, txid.HeaderEntryPage, txid.HeaderUser, txid.HeaderDevice, "X-Client-Shop"}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock {
	return &clock{t: time.Date(2026, 3, 1, 10, 4, 0, 0, time.UTC)}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.t = c.t.Add(d)
	c.mu.Unlock()
}
