package middleware_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In a program with GODEBUG=panicnil=1 recover returns nil for panic(nil): it must
// neither be swallowed nor taken for a Goexit.
func TestPanicNilOfOldPrograms(t *testing.T) {
	t.Setenv("GODEBUG", "panicnil=1")
	wrap, rec := recording(t, middleware.Options{})
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		var nothing any
		panic(nothing)
	}))
	func() {
		defer func() {
			if v := recover(); v != nil {
				t.Errorf("recovered %v, want nil", v)
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		t.Error("the panic was swallowed")
	}()
	if e := rec.one(t); outcomeOf(e) != "CRITICAL panic panic" {
		t.Errorf("got %q", outcomeOf(e))
	}
}

// Handlers that go on in goroutines of their own while others are served: what
// they read and write is in nobody else's entry, and nobody touches a buffer that
// has gone back to the pool. Run it with -race.
func TestLateGoroutinesTouchNobodysBytes(t *testing.T) {
	var mu sync.Mutex
	var mixed []string
	check := func(_ context.Context, e *entry.Entry) {
		if e.Kind != entry.KindServer {
			return
		}
		mark := e.HTTP.URL[len("/"):]
		for _, raw := range [][]byte{e.Request.Body.Raw, e.Response.Body.Raw} {
			if len(bytes.ReplaceAll(raw, []byte(mark), nil)) > len(mark) {
				mu.Lock()
				mixed = append(mixed, fmt.Sprintf("%s: %.60q", mark, raw))
				mu.Unlock()
			}
		}
	}
	wrap, err := middleware.New(newQueue(t), &middleware.Options{MaxBody: 4096, OnEntry: check})
	if err != nil {
		t.Fatal(err)
	}
	var late sync.WaitGroup
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mark := []byte(r.URL.Path[1:])
		var ready sync.WaitGroup
		ready.Add(1)
		late.Add(1)
		go func() {
			defer late.Done()
			b := make([]byte, len(mark))
			for i := range 200 {
				_, _ = io.ReadFull(r.Body, b)
				_, _ = w.Write(mark)
				if i == 20 {
					ready.Done()
				}
			}
		}()
		ready.Wait()
	}))
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := range 25 {
				mark := fmt.Sprintf("mark-%d-%d;", c, i)
				r := httptest.NewRequest("POST", "/"+mark, strings.NewReader(strings.Repeat(mark, 300)))
				h.ServeHTTP(&nullWriter{http.Header{}}, r)
			}
		})
	}
	wg.Wait()
	late.Wait()
	if len(mixed) > 0 {
		t.Errorf("%d bodies are mixed, such as %s", len(mixed), mixed[0])
	}
}

// keeping is a sink that keeps copies of the lines.
type keeping struct {
	mu    sync.Mutex
	lines []string
}

func (k *keeping) Write(_ context.Context, batch []*entry.Entry) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range batch {
		k.lines = append(k.lines, string(e.Line()))
	}
	return nil
}

func (k *keeping) Close(context.Context) error { return nil }

// What comes out at the other end is a line that parses, whatever was sent.
func TestHostileRequestsAreLines(t *testing.T) {
	k := &keeping{}
	q, err := sink.NewQueue(k, nil)
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{}, 1)
	s := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})))
	defer s.Close()
	n := 0
	for _, req := range []string{
		"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\nUser-Agent: \xc3\x28\x80\r\nReferer: \xed\xa0\x80\r\n\r\n",
		"GET /" + strings.Repeat("%F0%9F", 10_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-Many: v\r\n", 5000) + "\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX-Huge: " + strings.Repeat("\xea\xb0\x80", 200_000) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX-Transaction-Id: one-one-one\r\nX-Transaction-Id: two-two-two\r\nX-Transaction-Parent: zz\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: \xff/\xff\r\nContent-Length: 4\r\n\r\n\x00\xff\x00\xff",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nbody",
		strings.Repeat("A", 5000) + " / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://user:pass@evil.example/x HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		c := raw(t, s, req)
		n++
		select {
		case <-started:
		case <-time.After(10 * time.Second):
			t.Fatalf("%.40q did not get to the handler", req)
		}
		if strings.Contains(req, "ffffffffff") {
			c.Close()
			continue
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Errorf("%.40q: %v", req, err)
		}
		c.Close()
	}
	s.Close() // waits for the handlers
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if len(k.lines) != n {
		t.Errorf("%d lines of %d requests", len(k.lines), n)
	}
	for _, l := range k.lines {
		if _, err := entry.Parse([]byte(l)); err != nil {
			t.Errorf("%v in %.200s", err, l)
		}
		if len(l) > 256<<10 {
			t.Errorf("a line has %d bytes", len(l))
		}
	}
}

// A client that sends and takes a byte at a time sees the same, and so does the
// entry.
func TestSlowClient(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	})
	c := raw(t, s, "")
	for _, b := range []byte("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello") {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	one := make([]byte, 1)
	for {
		n, err := c.Read(one)
		got.Write(one[:n])
		if err != nil {
			break
		}
	}
	if !strings.HasSuffix(got.String(), "\r\n\r\nhello") {
		t.Errorf("got %q", got.String())
	}
	if e := rec.one(t); string(e.Request.Body.Raw) != "hello" || string(e.Response.Body.Raw) != "hello" || outcomeOf(e) != "INFO" {
		t.Errorf("recorded %q, %q, %q", e.Request.Body.Raw, e.Response.Body.Raw, outcomeOf(e))
	}
}

// A full queue, or one that is closed, is no business of the request's.
func TestFullQueue(t *testing.T) {
	q := newQueue(t)
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })).
		ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Body.String() != "ok" || q.Stats().Captured != 1 {
		t.Errorf("body %q, stats %+v", w.Body, q.Stats())
	}
}

// Bodies far above the bound cost no memory: what is captured is all that is kept.
func TestLargeBodiesAreNotKept(t *testing.T) {
	const size = 64 << 20
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = io.CopyN(w, zeros{}, n)
	})
	res, err := s.Client().Do(request(t, "POST", s.URL, io.LimitReader(zeros{}, size)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("got %d bytes, error %v", n, err)
	}
	e := rec.one(t)
	for _, b := range []entry.Body{e.Request.Body, e.Response.Body} {
		if b.Size != size || len(b.Raw) != middleware.DefaultMaxBody || cap(b.Raw) > 2*middleware.DefaultMaxBody || !b.Truncated {
			t.Errorf("recorded %d of %d bytes in a buffer of %d", len(b.Raw), b.Size, cap(b.Raw))
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
