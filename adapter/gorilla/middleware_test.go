package gorillatx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/txtrail/txtrail/adapter/gorilla"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/middleware/conformance"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// recoverer answers a panic, as gorilla/handlers' RecoveryHandler does.
func recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func router() *mux.Router {
	r := mux.NewRouter()
	r.Use(recoverer, gorillatx.Middleware)
	say := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, string(txid.IDFromContext(r.Context())))
	}
	r.HandleFunc("/", say)
	r.HandleFunc("/items/{id}", say)
	r.HandleFunc("/year/{year:[0-9]+}", say)
	r.HandleFunc("/only/post", say).Methods(http.MethodPost)
	r.HandleFunc("/panic/{how}", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	r.PathPrefix("/files/").HandlerFunc(say)
	r.Headers("X-Probe", "1").Name("probe").HandlerFunc(say)
	r.Headers("X-Probe", "2").HandlerFunc(say)
	api := r.PathPrefix("/api").Subrouter()
	api.HandleFunc("/carts/{cart}", say)
	api.PathPrefix("/users").Subrouter().HandleFunc("/{name}", say)
	api.HandleFunc("/broken", func(w http.ResponseWriter, r *http.Request) {
		middleware.SetError(r.Context(), errors.New("no stock"))
		http.Error(w, "sorry", http.StatusBadGateway)
	})
	return r
}

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path, route string
		status            int
		header            []string
	}{
		{"root", "/", "/", 200, nil},
		{"parameter", "/items/7?q=1", "/items/{id}", 200, nil},
		{"regular expression", "/year/2026", "/year/{year:[0-9]+}", 200, nil},
		{"prefix", "/files/a/b", "/files/", 200, nil},
		{"no path but a name", "/anything", "probe", 200, []string{"X-Probe", "1"}},
		{"neither path nor name", "/anything", "", 200, []string{"X-Probe", "2"}},
		{"subrouter", "/api/carts/9", "/api/carts/{cart}", 200, nil},
		{"subrouter of a subrouter", "/api/users/kim", "/api/users/{name}", 200, nil},
		{"error", "/api/broken", "/api/broken", 502, nil},
		{"panic", "/panic/now", "/panic/{how}", 500, nil},
		{"nothing", "/nothing", "", 404, nil},
		{"other method", "/only/post", "", 405, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			s := serve(t, q, router())
			status, _, _ := get(t, s.URL+tc.path, tc.header...)
			e := entries(t, mem, 1)[0]
			if e.HTTP.Route != tc.route || e.HTTP.Status != tc.status || status != tc.status {
				t.Errorf("%s: route %q, status %d recorded, %d answered; want %q, %d", tc.path, e.HTTP.Route, e.HTTP.Status, status, tc.route, tc.status)
			}
		})
	}
}

// The ID that came in is what the handler, the entry and the client get; and a first
// hop's page is its route.
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
	get(t, s.URL+"/items/7")
	if e := entries(t, mem, 2)[1]; e.Facts.EntryPage != "GET /items/{id}" {
		t.Errorf("entry page %q", e.Facts.EntryPage)
	}
}

// The recovering middleware answers 500; the entry tells why.
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

// Outside of an exchange it is not there.
func TestWithoutTrail(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(router())
	t.Cleanup(s.Close)
	if status, body, _ := get(t, s.URL+"/items/7"); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
	s = httptest.NewServer(gorillatx.Middleware(http.NotFoundHandler()))
	t.Cleanup(s.Close)
	if status, _, _ := get(t, s.URL+"/items/7"); status != 404 {
		t.Errorf("without a router: %d", status)
	}
}

// through is a router that leads everything to next.
func through(next http.Handler, use ...mux.MiddlewareFunc) http.Handler {
	r := mux.NewRouter().SkipClean(true)
	r.Use(use...)
	r.PathPrefix("").Handler(next)
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
		return wrap(through(next, gorillatx.Middleware))
	}, map[string]string{
		"RequestTrailers":          "mux copies the request: trailers that were not announced stay on the server's",
		"MultipartFilesAreRemoved": "mux copies the request: the server does not see its form",
	})
}
