package middleware_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

// lineSink keeps the contents of response bodies.
type lineSink struct {
	mu       sync.Mutex
	contents []string
	reasons  []string
}

func (s *lineSink) Write(_ context.Context, batch []*entry.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range batch {
		s.contents = append(s.contents, string(e.Response.Body.Content))
		s.reasons = append(s.reasons, e.Response.Body.Reason)
	}
	return nil
}

func (s *lineSink) Close(context.Context) error { return nil }

// The end of a body is sanitized as its beginning is, and what stands between them
// says so.
func TestLastBytesAreSanitized(t *testing.T) {
	for ctype, record := range map[string]string{
		"text/event-stream":    "data: {\"user\":\"kim\",\"password\":\"hunter2-hunter2\"}\n\n",
		"application/x-ndjson": "{\"user\":\"kim\",\"password\":\"hunter2-hunter2\"}\n",
	} {
		for cut := 0; cut < len(record); cut += 5 {
			out := &lineSink{}
			q, err := sink.NewQueue(out, nil)
			if err != nil {
				t.Fatal(err)
			}
			wrap, err := middleware.New(q, &middleware.Options{Capture: []middleware.CaptureRule{{First: 110 + cut, Last: 200 + cut}}})
			if err != nil {
				t.Fatal(err)
			}
			wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", ctype)
				for range 50 {
					_, _ = io.WriteString(w, record)
				}
			})).ServeHTTP(&statusWriter{h: http.Header{}}, request(t, "GET", "http://shop/", http.NoBody))
			if err := q.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			got := out.contents[0]
			if strings.Contains(got, "unter2") || !strings.Contains(got, " bytes not kept") || out.reasons[0] != "capture limit" {
				t.Fatalf("%s, cut at %d: %q\n%s", ctype, cut, out.reasons[0], got)
			}
			before, after, _ := strings.Cut(got, " bytes not kept")
			if n := strings.Count(before, "[masked:password]"); n < 2 {
				t.Errorf("%s, cut at %d: %d records before:\n%s", ctype, cut, n, got)
			}
			if n := strings.Count(after, "[masked:password]"); n < 3 {
				t.Errorf("%s, cut at %d: %d records after:\n%s", ctype, cut, n, got)
			}
		}
	}
}

// shortWriter takes a number of bytes and no more.
type shortWriter struct {
	statusWriter
	left int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	n := min(w.left, len(p))
	if w.left -= n; n < len(p) {
		return n, errors.New("gone")
	}
	return n, nil
}

// What did not go out is not recorded, wherever the write broke off.
func TestLastBytesOfABrokenWrite(t *testing.T) {
	record := "{\"n\":\"01234567890123456\"}\n" // 26 bytes
	for left := 0; left < 20*26; left += 7 {
		wrap, rec := recording(t, middleware.Options{Capture: []middleware.CaptureRule{{First: 52, Last: 78}}})
		wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-ndjson")
			for range 4 {
				if _, err := io.WriteString(w, strings.Repeat(record, 5)); err != nil {
					return
				}
			}
		})).ServeHTTP(&shortWriter{statusWriter{h: http.Header{}}, left}, request(t, "GET", "http://shop/", http.NoBody))
		b := rec.one(t).Response.Body
		if b.Size != int64(left) {
			t.Fatalf("size %d, want %d", b.Size, left)
		}
		whole := strings.Repeat(record, 20)[:left]
		if !b.Truncated {
			if string(b.Raw) != whole {
				t.Fatalf("broken off after %d: %q", left, b.Raw)
			}
			continue
		}
		head, rest, _ := strings.Cut(string(b.Raw), "\"[")
		_, tail, _ := strings.Cut(rest, "\n")
		if !strings.HasPrefix(whole, head) || !strings.HasSuffix(whole, tail) {
			t.Fatalf("broken off after %d: %q", left, b.Raw)
		}
	}
}

func TestChunks(t *testing.T) {
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want int
	}{
		{"not streamed", answering(200), 0},
		{"flushed at the end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
		}, 0},
		{"headers first", func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "a")
		}, 1},
		{"three, the last by itself", func(w http.ResponseWriter, _ *http.Request) {
			for _, s := range []string{"a", "b"} {
				_, _ = io.WriteString(w, s)
				_ = http.NewResponseController(w).Flush()
				_ = http.NewResponseController(w).Flush()
			}
			_, _ = io.WriteString(w, "c")
		}, 3},
	} {
		s, rec := serve(t, middleware.Options{}, c.h)
		do(t, s.Client(), request(t, "GET", s.URL, nil))
		e := rec.one(t)
		if e.Response.Body.Chunks != c.want || e.HasFlag(entry.FlagStreamed) != (c.want > 0) {
			t.Errorf("%s: %d chunks, want %d, flags %v", c.name, e.Response.Body.Chunks, c.want, e.Flags)
		}
	}
}
