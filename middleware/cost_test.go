package middleware_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

// nullWriter is a response writer that costs nothing. Unlike net/http's it lives
// for many requests, so its header map is emptied between them.
type nullWriter struct{ h http.Header }

func (w *nullWriter) Header() http.Header         { return w.h }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Flush()                      {}

// ReadFrom is there for the interface alone.
func (w *nullWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

type rewindable struct{ *bytes.Reader }

func (rewindable) Close() error { return nil }

// exchangeFixture is one request that can be served again and again.
type exchangeFixture struct {
	w    nullWriter
	r    *http.Request
	body *bytes.Reader
	size int64
}

func newFixture(method string, size int) *exchangeFixture {
	f := &exchangeFixture{w: nullWriter{http.Header{}}, size: int64(size)}
	f.r = httptest.NewRequest(method, "/api/items/7?q=1", nil)
	for name, value := range map[string]string{
		"User-Agent": "Mozilla/5.0 (Linux; Android 16; SM-S931N; wv) AppleWebKit/537.36", "Accept": "application/json",
		"Accept-Encoding": "gzip, deflate, br", "Accept-Language": "ko-KR", "Content-Type": "application/json",
		"Referer": "https://shop.example/items", "Cookie": "session=abcdef0123456789", "X-Forwarded-For": "10.0.0.7",
	} {
		f.r.Header.Set(name, value)
	}
	if size > 0 {
		f.body = bytes.NewReader(bytes.Repeat([]byte{'x'}, size))
		f.r.Body = rewindable{f.body}
		f.r.ContentLength = int64(size)
	}
	return f
}

func (f *exchangeFixture) serve(h http.Handler) {
	clear(f.w.h)
	if f.body != nil {
		_, _ = f.body.Seek(0, io.SeekStart)
	}
	h.ServeHTTP(&f.w, f.r)
}

// echo reads the body into one buffer of its own and answers with size bytes.
func echo(size int) http.Handler {
	answer := bytes.Repeat([]byte{'y'}, size)
	ctype := []string{"application/json"}
	room := make([]byte, 64<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := r.Body.Read(room); err != nil {
				break
			}
		}
		w.Header()["Content-Type"] = ctype
		w.Write(answer)
	})
}

var noContent = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func discarding(tb testing.TB, next http.Handler) (http.Handler, *sink.Queue) {
	tb.Helper()
	q := newQueue(tb)
	wrap, err := middleware.New(q, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return wrap(next), q
}

// allocations counts what an exchange allocates on its path. The queue is closed:
// its worker's allocations would be counted with ours, and buffers come back at
// once.
func allocations(t *testing.T, f *exchangeFixture, next http.Handler) float64 {
	t.Helper()
	h, q := discarding(t, next)
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return testing.AllocsPerRun(500, func() { f.serve(h) }) - testing.AllocsPerRun(500, func() { f.serve(next) })
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, c := range []struct {
		name string
		f    *exchangeFixture
		h    http.Handler
		want float64
	}{
		// The exchange, the request's copy, the minted ID. The entry with its headers is
		// lent, its message the worker's.
		{"POST 1 KB in and out", newFixture("POST", 1024), echo(1024), 3},
		{"GET 204", newFixture("GET", 0), noContent, 3},
	} {
		if got := allocations(t, c.f, c.h); got > c.want {
			t.Errorf("%s: %.1f allocations, want at most %.0f", c.name, got, c.want)
		}
	}
}

func BenchmarkPost1KB(b *testing.B)  { benchmark(b, newFixture("POST", 1024), echo(1024)) }
func BenchmarkPost64KB(b *testing.B) { benchmark(b, newFixture("POST", 64<<10), echo(64<<10)) }
func BenchmarkGet204(b *testing.B)   { benchmark(b, newFixture("GET", 0), noContent) }

// benchmark measures the handler bare and behind the middleware, by the CPU time of
// the thread that serves: the difference is the cost on the path. Behind a closed
// queue there is no worker and buffers come back at once; behind an open one, which
// is emptied every so often off the clock, they come back later and elsewhere.
func benchmark(b *testing.B, f *exchangeFixture, next http.Handler) {
	timed := func(b *testing.B, h http.Handler, settle func()) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		b.ReportAllocs()
		var spent time.Duration
		for n := 0; n < b.N; {
			began := threadCPU()
			for range min(100, b.N-n) {
				f.serve(h)
				n++
			}
			spent += threadCPU() - began
			b.StopTimer()
			settle()
			b.StartTimer()
		}
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	}
	b.Run("bare", func(b *testing.B) { timed(b, next, func() {}) })
	b.Run("closed queue", func(b *testing.B) {
		h, q := discarding(b, next)
		if err := q.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		timed(b, h, func() {})
	})
	b.Run("discarding", func(b *testing.B) {
		h, q := discarding(b, next)
		timed(b, h, func() { _ = q.Flush(context.Background()) })
	})
}
