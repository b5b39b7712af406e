package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

func auditing(t *testing.T, s sink.Sink, opts middleware.Options, h http.HandlerFunc) (http.Handler, *sink.Queue) {
	t.Helper()
	q, err := sink.NewQueue(s, &sink.QueueOptions{OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = q.Close(ctx)
	})
	opts.Audit = true
	wrap, err := middleware.New(q, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(h), q
}

// When ServeHTTP has returned, the entry is in the journal for whoever reads it: also
// that of a handler that panicked, and of one that took the connection.
func TestAudit(t *testing.T) {
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, q := auditing(t, j, middleware.Options{AuditTimeout: 10 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic(http.ErrAbortHandler)
		case "/hijack":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "taken")
			conn.Close()
		}
	})
	read, err := journalsink.OpenReader(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	written := func(id string) bool {
		for e, err := range read.Lookup(context.Background(), id) {
			if err != nil {
				t.Error(err)
			}
			if e.Kind == entry.KindServer {
				return true
			}
		}
		return false
	}
	// Outside of the middleware: what is there when it has returned. That of a connection
	// that was taken is waited for by nobody else: neither its client nor the server.
	var served sync.WaitGroup
	served.Add(30)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer served.Done()
		id := r.Header.Get("X-Transaction-Id")
		defer func() {
			if !written(id) {
				t.Errorf("%s: ServeHTTP has returned and there is no entry", id)
			}
		}()
		h.ServeHTTP(w, r)
	}))
	defer s.Close()
	var clients sync.WaitGroup
	for i := range 30 {
		clients.Go(func() {
			r := request(t, "POST", s.URL+[]string{"/", "/panic", "/hijack"}[i%3], nil)
			r.Header.Set("X-Transaction-Id", fmt.Sprintf("transaction-%02d.", i))
			if res, err := s.Client().Do(r); err == nil {
				res.Body.Close()
			}
		})
	}
	clients.Wait()
	served.Wait()
	if st := q.Stats(); st.Awaited != 30 || st.AwaitTimeouts != 0 {
		t.Errorf("Stats = %+v", st)
	}
}

// hanging is a disk that does not answer.
type hanging struct{}

func (hanging) Write(ctx context.Context, _ []*entry.Entry) error {
	<-ctx.Done()
	return ctx.Err()
}
func (hanging) Close(context.Context) error { return nil }

// A sink that hangs costs a request AuditTimeout and no more, and is counted.
func TestAuditTimeout(t *testing.T) {
	const limit = 20 * time.Millisecond
	h, q := auditing(t, hanging{}, middleware.Options{AuditTimeout: limit}, func(http.ResponseWriter, *http.Request) {})
	begin := time.Now()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if took := time.Since(begin); took < limit {
		t.Errorf("it took %s, less than AuditTimeout", took)
	}
	if s := q.Stats(); s.AwaitTimeouts != 1 || s.Awaited != 0 || s.Waiting != 1 {
		t.Errorf("Stats = %+v", s)
	}
}

// What a strategy leaves out is not waited for.
func TestAuditDeclined(t *testing.T) {
	h, q := auditing(t, hanging{}, middleware.Options{AuditTimeout: time.Minute, Keep: middleware.Always(middleware.None)},
		func(http.ResponseWriter, *http.Request) {})
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if s := q.Stats(); s.Declined != 1 || s.AwaitTimeouts != 0 {
		t.Errorf("Stats = %+v", s)
	}
}

func TestAuditOptions(t *testing.T) {
	for _, d := range []time.Duration{-1, time.Minute + 1} {
		if _, err := middleware.New(newQueue(t), &middleware.Options{AuditTimeout: d}); !errors.Is(err, middleware.ErrOptions) {
			t.Errorf("AuditTimeout %s: %v", d, err)
		}
	}
}
