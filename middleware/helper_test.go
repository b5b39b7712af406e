package middleware_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

// recorded collects entries as they are handed to the queue, before the worker
// sanitizes them: what the capture saw, byte for byte.
type recorded struct {
	mu      sync.Mutex
	entries []*entry.Entry
	more    chan struct{}
}

func (r *recorded) onEntry(_ context.Context, e *entry.Entry) {
	c := *e
	c.Flags = append([]string(nil), e.Flags...)
	c.Labels = append([]entry.Label(nil), e.Labels...)
	c.Request.Body.Raw = append([]byte(nil), e.Request.Body.Raw...)
	c.Response.Body.Raw = append([]byte(nil), e.Response.Body.Raw...)
	c.Request.Headers = append([]entry.Header(nil), e.Request.Headers...)
	c.Response.Headers = append([]entry.Header(nil), e.Response.Headers...)
	c.Request.Trailers = append([]entry.Header(nil), e.Request.Trailers...)
	c.Response.Trailers = append([]entry.Header(nil), e.Response.Trailers...)
	c.Facts.Carried = append([]entry.Label(nil), e.Facts.Carried...)
	r.mu.Lock()
	r.entries = append(r.entries, &c)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// wait returns the entries when there are n.
func (r *recorded) wait(t *testing.T, n int) []*entry.Entry {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		r.mu.Lock()
		es := append([]*entry.Entry(nil), r.entries...)
		r.mu.Unlock()
		if len(es) >= n {
			return es
		}
		select {
		case <-r.more:
		case <-deadline:
			t.Fatalf("%d entries after 10 s, want %d", len(es), n)
		}
	}
}

func (r *recorded) one(t *testing.T) *entry.Entry {
	t.Helper()
	es := r.wait(t, 1)
	if len(es) != 1 {
		t.Fatalf("%d entries, want 1", len(es))
	}
	return es[0]
}

func newQueue(t testing.TB) *sink.Queue {
	t.Helper()
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return q
}

// recording returns a middleware that records into the returned collection.
func recording(t testing.TB, opts middleware.Options) (func(http.Handler) http.Handler, *recorded) {
	t.Helper()
	rec := &recorded{more: make(chan struct{}, 1)}
	if own := opts.OnEntry; own != nil {
		opts.OnEntry = func(ctx context.Context, e *entry.Entry) {
			defer rec.onEntry(ctx, e)
			own(ctx, e)
		}
	} else {
		opts.OnEntry = rec.onEntry
	}
	wrap, err := middleware.New(newQueue(t), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return wrap, rec
}

// serve starts a server with h behind the middleware.
func serve(t testing.TB, opts middleware.Options, h http.HandlerFunc) (*httptest.Server, *recorded) {
	t.Helper()
	wrap, rec := recording(t, opts)
	s := httptest.NewServer(wrap(h))
	t.Cleanup(s.Close)
	return s, rec
}

// do sends a request and reads the whole answer.
func do(t testing.TB, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// raw sends bytes over a new connection and returns it.
func raw(t testing.TB, s *httptest.Server, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}
