package middleware_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/bridge/slogtx"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// page is what a log entry, or a call to another service, of ctx says of the page by which
// the user came in.
func page(ctx context.Context) string {
	s, _ := txid.FromContext(ctx)
	return s.Recorder.EntryPage()
}

// A mux writes the pattern on the request while something that was begun before it may log
// with the request's context, read its body or write the answer: none of these share a
// field of the request with the mux. Run it with -race.
func TestPatternIsTheMuxs(t *testing.T) {
	q := newQueue(t)
	logs, err := slogtx.New(slog.DiscardHandler, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, before := range map[string]func(http.ResponseWriter, context.Context, io.Reader){
		"a log entry": func(_ http.ResponseWriter, ctx context.Context, _ io.Reader) {
			slog.New(logs).InfoContext(ctx, "prefetching")
		},
		"a call": func(_ http.ResponseWriter, ctx context.Context, _ io.Reader) {
			_ = page(ctx) // as txid.Propagator's Inject asks
		},
		"a read": func(_ http.ResponseWriter, _ context.Context, body io.Reader) {
			_, _ = io.ReadAll(body)
		},
		"a write": func(w http.ResponseWriter, _ context.Context, _ io.Reader) {
			_, _ = io.WriteString(w, "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("POST /items/{id}", func(http.ResponseWriter, *http.Request) {})
			wrap, rec := recording(t, middleware.Options{Capture: []middleware.CaptureRule{{Route: "POST /items/{id}", First: 2}}})
			h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, body := r.Context(), r.Body
				var begun sync.WaitGroup
				begun.Go(func() { before(w, ctx, body) })
				mux.ServeHTTP(w, r)
				begun.Wait()
			}))
			const n = 50
			for range n {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/items/7", strings.NewReader("body")))
			}
			for _, e := range rec.wait(t, n) {
				if e.HTTP.Route != "/items/{id}" || len(e.Request.Body.Raw) > 2 {
					t.Fatalf("route %q, kept %q", e.HTTP.Route, e.Request.Body.Raw)
				}
			}
		})
	}
}

// What is said of the page while the request is served is what is known of its route by
// then, in the goroutine that asks.
func TestEntryPageSoFar(t *testing.T) {
	var got []string
	say := func(ctx context.Context) { got = append(got, page(ctx)) }
	aside := func(ctx context.Context) {
		done := make(chan struct{})
		go func() { defer close(done); say(ctx) }()
		<-done
	}
	asking := func(asks ...func(context.Context)) *http.ServeMux {
		inner := http.NewServeMux()
		inner.HandleFunc("GET example.com/items/{id}", func(_ http.ResponseWriter, r *http.Request) {
			for _, ask := range asks {
				ask(r.Context())
			}
		})
		return inner
	}
	first := func(ask func(context.Context), h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ask(r.Context())
			h.ServeHTTP(w, r)
		})
	}
	// Beneath more frames than are looked at nothing is known.
	deep := func(ctx context.Context) {
		var down func(n int)
		down = func(n int) {
			if n == 0 {
				say(ctx)
				return
			}
			down(n - 1)
		}
		down(200)
	}
	for _, c := range []struct {
		name string
		h    http.Handler
		want []string
	}{
		{"the mux alone", asking(say, aside), []string{"GET /items/{id}", "GET /items/{id}"}},
		{"elsewhere first", asking(aside, say), []string{"GET /items/7", "GET /items/{id}"}},
		{"deep", first(say, asking(deep, say)), []string{"GET /items/7", "GET /items/7", "GET /items/{id}"}},
		{"before", first(say, asking(say, aside)), []string{"GET /items/7", "GET /items/{id}", "GET /items/{id}"}},
		{"before, elsewhere", first(aside, asking(aside, say)), []string{"GET /items/7", "GET /items/7", "GET /items/{id}"}},
		{"named", first(func(ctx context.Context) { middleware.SetRoute(ctx, "/x") }, asking(say)), []string{"GET /x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got = nil
			wrap, rec := recording(t, middleware.Options{})
			around := http.NewServeMux() // its pattern is not the handler's
			around.Handle("/", wrap(c.h))
			around.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/items/7?a=1", nil))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if e, want := rec.one(t), strings.TrimPrefix(c.want[len(c.want)-1], "GET "); e.HTTP.Route != want {
				t.Errorf("the entry's route is %q, want %q", e.HTTP.Route, want)
			}
		})
	}
}
