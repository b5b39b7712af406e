package middleware_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// Work that goes on when its request has ended knows the scenario, and does not hold the
// request. Until then it can say something of the exchange.
func TestDetachedContextLetsGoOfTheRequest(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		after  bool // detached only when the handler has returned
	}{
		{"while it is served", 200, false},
		{"of one that fails", 500, false},
		{"when it has ended", 200, true},
		{"when it has failed", 500, true},
	} {
		var (
			held weak.Pointer[http.Request]
			ctx  context.Context
		)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
			held = weak.Make(r)
			if ctx = r.Context(); !c.after {
				ctx = txid.Detach(context.Background(), ctx)
			}
			middleware.Annotate(ctx, "said", "inside")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, "ok")
		})
		s, rec := serve(t, middleware.Options{}, mux.ServeHTTP)
		res, _ := do(t, s.Client(), request(t, "GET", s.URL+"/items/7", nil))
		e := rec.one(t)
		s.Close() // waits for the handler's goroutine
		if c.after {
			ctx = txid.Detach(context.Background(), ctx)
		}
		if len(e.Labels) != 1 || e.Labels[0] != (entry.Label{Name: "said", Value: "inside"}) {
			t.Errorf("%s: labels %v", c.name, e.Labels)
		}
		middleware.Annotate(ctx, "said", "too late")
		scope, ok := txid.FromContext(ctx)
		if !ok || scope.ID != e.TxID || scope.Span != e.Span || scope.Kept() != (c.status == 500) {
			t.Errorf("%s: %+v, kept %v", c.name, scope, scope.Kept())
		}
		if f := entry.FactsOf(scope); f.EntryPage != "GET /items/{id}" {
			t.Errorf("%s: the entry page is %q", c.name, f.EntryPage)
		}
		for limit := time.Now().Add(10 * time.Second); held.Value() != nil; time.Sleep(time.Millisecond) {
			if runtime.GC(); time.Now().After(limit) {
				t.Fatalf("%s: the request is still held", c.name)
			}
		}
		runtime.KeepAlive(ctx)
		runtime.KeepAlive(res)
	}
}
