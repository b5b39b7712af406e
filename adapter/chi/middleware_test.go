package chitx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/txtrail/txtrail/adapter/chi"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/middleware/conformance"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

func router() *chi.Mux {
	r := chi.NewRouter()
	r.Use(chimiddleware.RequestID, chimiddleware.Recoverer, chitx.Middleware, chimiddleware.StripSlashes, chimiddleware.GetHead)
	say := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, string(txid.IDFromContext(r.Context())))
	}
	r.Get("/", say)
	r.Get("/items/{id}", say)
	r.Get("/files/*", say)
	r.Get("/year/{year:[0-9]+}", say)
	r.Get("/panic/{how}", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	r.Post("/only/post", say)
	r.Route("/api", func(r chi.Router) {
		r.With(chimiddleware.NoCache).Get("/carts/{cart}", say)
		users := chi.NewRouter()
		users.Get("/{name}", say)
		r.Mount("/users", users)
		r.Get("/broken", func(w http.ResponseWriter, r *http.Request) {
			middleware.SetError(r.Context(), errors.New("no stock"))
			http.Error(w, "sorry", http.StatusBadGateway)
		})
	})
	return r
}

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path, route string
		status            int
	}{
		{"root", "/", "/", 200},
		{"parameter", "/items/7?q=1", "/items/{id}", 200},
		{"trailing slash that is stripped", "/items/7/", "/items/{id}", 200},
		{"escaped", "/items/a%2Fb", "/items/{id}", 200},
		{"wildcard", "/files/a/b/c", "/files/*", 200},
		{"regular expression", "/year/2026", "/year/{year:[0-9]+}", 200},
		{"subrouter", "/api/carts/9", "/api/carts/{cart}", 200},
		{"mounted in a subrouter", "/api/users/kim", "/api/users/{name}", 200},
		{"error", "/api/broken", "/api/broken", 502},
		{"panic", "/panic/now", "/panic/{how}", 500},
		{"nothing", "/nothing", "", 404},
		{"other method", "/only/post", "", 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			s := serve(t, q, router())
			status, _, _ := get(t, s.URL+tc.path)
			e := entries(t, mem, 1)[0]
			if e.HTTP.Route != tc.route || e.HTTP.Status != tc.status || status != tc.status {
				t.Errorf("%s: route %q, status %d recorded, %d answered; want %q, %d", tc.path, e.HTTP.Route, e.HTTP.Status, status, tc.route, tc.status)
			}
		})
	}
}

// The ID that came in is what the handler, the entry and the client get.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	q, mem := trail(t)
	s := serve(t, q, router())
	const id = "scenario-0001"
	_, body, header := get(t, s.URL+"/items/7", txid.Header, id)
	e := entries(t, mem, 1)[0]
	if body != id || header.Get(txid.Header) != id || e.TxID != id || e.Origin != "header:X-Transaction-Id" {
		t.Errorf("handler %q, client %q, entry %q from %q; want %q", body, header.Get(txid.Header), e.TxID, e.Origin, id)
	}
}

// Recoverer answers 500; the entry tells why.
func TestPanic(t *testing.T) {
	t.Parallel()
	q, mem := trail(t)
	s := serve(t, q, router())
	get(t, s.URL+"/panic/now")
	e := entries(t, mem, 1)[0]
	if e.Error.Type != "panic" || e.Error.Message != "string: on purpose" || !e.HasFlag(entry.FlagPanic) || e.Severity != entry.SeverityCritical || !strings.Contains(e.Error.Stack, "router") {
		t.Errorf("error %+v, flags %v, %v", e.Error, e.Flags, e.Severity)
	}
}

// The calls of a first hop carry its route, not its path.
func TestEntryPage(t *testing.T) {
	t.Parallel()
	q, mem := trail(t)
	behind := serve(t, q, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	client, err := outbound.NewClient(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	r := chi.NewRouter()
	r.Use(chitx.Middleware)
	r.Route("/shop", func(r chi.Router) {
		r.Get("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
			req, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, behind.URL+"/stock", nil)
			res, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
		})
	})
	s := serve(t, q, r)
	get(t, s.URL+"/shop/items/7")
	for _, e := range entries(t, mem, 3) {
		if e.Facts.EntryPage != "GET /shop/items/{id}" {
			t.Errorf("%s %s: entry page %q", e.Kind, e.HTTP.URL, e.Facts.EntryPage)
		}
	}
}

// Outside of an exchange it is not there.
func TestWithoutTrail(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(router())
	t.Cleanup(s.Close)
	if status, body, _ := get(t, s.URL+"/items/7"); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
	s = httptest.NewServer(chitx.Middleware(http.NotFoundHandler()))
	t.Cleanup(s.Close)
	if status, _, _ := get(t, s.URL+"/items/7"); status != 404 {
		t.Errorf("without a router: %d", status)
	}
}

// through is a router that leads everything to next.
func through(next http.Handler, use ...func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(use...)
	r.Handle("/*", next)
	r.NotFound(next.ServeHTTP) // CONNECT has no path
	r.MethodNotAllowed(next.ServeHTTP)
	return r
}

// Router, adapter and recording together are as invisible as the router alone: what
// is left out does not hold for it either.
func TestConformance(t *testing.T) {
	t.Parallel()
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	conformance.RunExcept(t, func(next http.Handler) http.Handler {
		return wrap(through(next, chitx.Middleware))
	}, map[string]string{
		"RequestTrailers":          "chi copies the request: trailers that were not announced stay on the server's",
		"MultipartFilesAreRemoved": "chi copies the request: the server does not see its form",
	})
}
