package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

// asleep is a sink that takes nothing until it is closed.
type asleep struct{}

func (asleep) Write(ctx context.Context, _ []*entry.Entry) error { <-ctx.Done(); return ctx.Err() }
func (asleep) Close(context.Context) error                       { return nil }

// What waits in the queue must not keep more alive than the queue counts: net/http
// cuts method, path and protocol out of one line, whose length the client chooses,
// and a header's value is as long as the server allows.
func TestHugeRequestsAreNotKeptAlive(t *testing.T) {
	const requests, size = 40, 900 << 10
	for name, send := range map[string]func(*http.Request, string){
		"url":              func(r *http.Request, huge string) { r.URL.RawQuery = "q=" + huge },
		"method":           func(r *http.Request, huge string) { r.Method = huge },
		"content type":     func(r *http.Request, huge string) { r.Header.Set("Content-Type", huge) },
		"content encoding": func(r *http.Request, huge string) { r.Header.Set("Content-Encoding", huge) },
		"user agent":       func(r *http.Request, huge string) { r.Header.Set("User-Agent", huge) },
	} {
		t.Run(name, func(t *testing.T) {
			q, err := sink.NewQueue(asleep{}, &sink.QueueOptions{OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				defer cancel()
				_ = q.Close(ctx) // says what the sink did not take
			}()
			wrap, err := middleware.New(q, nil)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(wrap(noContent))
			server.Config.MaxHeaderBytes = 2 << 20
			server.Start()
			defer server.Close()
			before := heap()
			for range requests {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				send(req, strings.Repeat("A", size))
				res, err := server.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
			}
			server.Client().CloseIdleConnections()
			if s := q.Stats(); s.Captured != requests || s.Waiting != requests {
				t.Fatalf("%+v, want %d waiting", s, requests)
			}
			// A tenth of what was sent is generous to what the server itself still holds.
			if grown := heap() - before; grown > requests*size/10 {
				t.Errorf("%d waiting entries keep %d KB alive, the queue counts %d KB", requests, grown>>10, q.Stats().WaitingBytes>>10)
			}
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The message has the path, and a path that is cut is cut between segments: the
// first digits of a number are what no rule can recognize.
func TestMessageIsCutBetweenSegments(t *testing.T) {
	for pad := 900; pad < 1100; pad++ {
		var message string
		wrap, err := middleware.New(newQueue(t), &middleware.Options{OnEntry: func(_ context.Context, e *entry.Entry) { message = e.Message }})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/"+strings.Repeat("x", pad)+"/4539578763621486", nil)
		wrap(noContent).ServeHTTP(httptest.NewRecorder(), r)
		if strings.Contains(message, "4539") && !strings.Contains(message, "4539578763621486") {
			t.Fatalf("padded by %d: %s", pad, message[len(message)-40:])
		}
	}
}

// A panic value without words of its own is named, and not printed field by field.
func TestPanicValueIsNotPrinted(t *testing.T) {
	type login struct{ User, Password string }
	var got entry.Error
	wrap, err := middleware.New(newQueue(t), &middleware.Options{OnEntry: func(_ context.Context, e *entry.Entry) { got = e.Error }})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if v := recover(); v != (login{"kim", "hunter2-S3CRET"}) {
				t.Errorf("panicked with %v", v)
			}
		}()
		wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(login{"kim", "hunter2-S3CRET"}) })).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	if strings.Contains(got.Message+got.Stack, "hunter2") || !strings.Contains(got.Message, "login") {
		t.Errorf("%+v, want the type's name and nothing of its fields", got)
	}
}
