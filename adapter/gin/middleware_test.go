package gintx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/txtrail/txtrail/adapter/gin"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/middleware/conformance"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	m.Run()
}

var errStock = errors.New("no stock")

func router(fallback bool) *gin.Engine {
	r := gin.New()
	r.ContextWithFallback = fallback
	r.HandleMethodNotAllowed = true
	r.Use(gin.RecoveryWithWriter(io.Discard), gintx.Middleware())
	say := func(c *gin.Context) {
		c.String(http.StatusOK, "%s", txid.IDFromContext(c.Request.Context()))
	}
	r.GET("/", say)
	r.GET("/items/:id", say)
	r.GET("/files/*path", say)
	r.POST("/only/post", say)
	r.GET("/panic/:how", func(*gin.Context) { panic("on purpose") })
	r.GET("/pipe", func(*gin.Context) { panic(fmt.Errorf("write: %w", syscall.EPIPE)) })
	r.GET("/again", func(c *gin.Context) {
		c.Request.URL.Path = "/items/8"
		r.HandleContext(c)
	})
	r.GET("/context", func(c *gin.Context) { c.String(http.StatusOK, "%s", txid.IDFromContext(c)) })
	api := r.Group("/api")
	api.GET("/carts/:cart", say)
	api.GET("/broken", func(c *gin.Context) {
		_ = c.AbortWithError(http.StatusBadGateway, fmt.Errorf("cart: %w", errStock))
	})
	api.GET("/several", func(c *gin.Context) {
		_ = c.Error(errors.New("first"))
		_ = c.Error(&http.MaxBytesError{Limit: 5})
		c.Status(http.StatusInternalServerError)
	})
	api.GET("/refused", func(c *gin.Context) {
		var q struct {
			Count int `form:"count" binding:"required"`
		}
		if err := c.BindQuery(&q); err == nil {
			c.Status(http.StatusOK)
		}
	})
	api.GET("/silent", func(c *gin.Context) {
		var err *silent
		_ = c.Error(err)
		c.Status(http.StatusBadRequest)
	})
	api.GET("/noted", func(c *gin.Context) {
		_ = c.Error(errStock)
		c.String(http.StatusOK, "all the same")
	})
	return r
}

// silent panics when it is asked and is a nil pointer, as errors that were meant to be none
// do. gin does not ask.
type silent struct{ text string }

func (s *silent) Error() string { return s.text }

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path, route string
		status            int
	}{
		{"root", "/", "/", 200},
		{"parameter", "/items/7?q=1", "/items/:id", 200},
		{"wildcard", "/files/a/b/c", "/files/*path", 200},
		{"group", "/api/carts/9", "/api/carts/:cart", 200},
		{"handled again", "/again", "/items/:id", 200},
		{"panic", "/panic/now", "/panic/:how", 500},
		{"nothing", "/nothing", "", 404},
		{"other method", "/only/post", "", 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			s := serve(t, q, router(false))
			status, _, _ := get(t, s.URL+tc.path)
			e := entries(t, mem, 1)[0]
			if e.HTTP.Route != tc.route || e.HTTP.Status != tc.status || status != tc.status {
				t.Errorf("%s: route %q, status %d recorded, %d answered; want %q, %d", tc.path, e.HTTP.Route, e.HTTP.Status, status, tc.route, tc.status)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path   string
		status int
		want   entry.Error
		labels []entry.Label
		failed bool
	}{
		{"/api/broken", 502, entry.Error{Type: "*fmt.wrapError", Message: "cart: no stock"}, nil, true},
		{
			"/api/several", 500,
			entry.Error{Type: "*http.MaxBytesError", Message: "http: request body too large"},
			[]entry.Label{{Name: gintx.LabelErrors, Value: "first; http: request body too large"}},
			true,
		},
		{
			"/api/refused", 400,
			entry.Error{},
			[]entry.Label{{Name: gintx.LabelClientError, Value: "Key: 'Count' Error:Field validation for 'Count' failed on the 'required' tag"}},
			false,
		},
		{"/api/silent", 400, entry.Error{}, []entry.Label{{Name: gintx.LabelClientError, Value: "<nil>"}}, false},
		{"/api/noted", 200, entry.Error{Type: "*errors.errorString", Message: "no stock"}, nil, true},
		{"/items/7", 200, entry.Error{}, nil, false},
	} {
		t.Run(tc.path, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			s := serve(t, q, router(false))
			get(t, s.URL+tc.path)
			e := entries(t, mem, 1)[0]
			if d := cmp.Diff(tc.want, e.Error); d != "" {
				t.Error("error (-want +got):", d)
			}
			if d := cmp.Diff(tc.labels, e.Labels, cmpopts.EquateEmpty()); d != "" {
				t.Error("labels (-want +got):", d)
			}
			if e.HTTP.Status != tc.status || e.Failed() != tc.failed {
				t.Errorf("status %d, failed %v; want %d, %v", e.HTTP.Status, e.Failed(), tc.status, tc.failed)
			}
		})
	}
}

// The ID that came in is what the handler, the entry and the client get; and a first
// hop's page is its route.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	q, mem := trail(t)
	s := serve(t, q, router(false))
	const id = "scenario-0001"
	_, body, header := get(t, s.URL+"/items/7", txid.Header, id)
	e := entries(t, mem, 1)[0]
	if body != id || header.Get(txid.Header) != id || e.TxID != id || e.Origin != "header:X-Transaction-Id" {
		t.Errorf("handler %q, client %q, entry %q from %q; want %q", body, header.Get(txid.Header), e.TxID, e.Origin, id)
	}
	get(t, s.URL+"/items/7")
	if e := entries(t, mem, 2)[1]; e.Facts.EntryPage != "GET /items/:id" {
		t.Errorf("entry page %q", e.Facts.EntryPage)
	}
}

// What the documentation says of a gin.Context as a context.
func TestContextWithFallback(t *testing.T) {
	t.Parallel()
	for fallback, want := range map[bool]string{false: "", true: "scenario-0001"} {
		q, _ := trail(t)
		s := serve(t, q, router(fallback))
		if _, body, _ := get(t, s.URL+"/context", txid.Header, "scenario-0001"); body != want {
			t.Errorf("fallback %v: %q, want %q", fallback, body, want)
		}
	}
}

// Recovery answers 500; the entry tells why. A broken pipe is no fault of the handler's.
func TestPanic(t *testing.T) {
	t.Parallel()
	q, mem := trail(t)
	s := serve(t, q, router(false))
	get(t, s.URL+"/panic/now")
	e := entries(t, mem, 1)[0]
	if e.Error.Type != "panic" || e.Error.Message != "string: on purpose" || !e.HasFlag(entry.FlagPanic) || e.Severity != entry.SeverityCritical || !strings.Contains(e.Error.Stack, "router") {
		t.Errorf("error %+v, flags %v, %v", e.Error, e.Flags, e.Severity)
	}
	get(t, s.URL+"/pipe")
	if e := entries(t, mem, 2)[1]; e.HasFlag(entry.FlagPanic) {
		t.Errorf("a broken pipe is recorded as %+v %v", e.Error, e.Flags)
	}
}

// Outside of an exchange it is not there.
func TestWithoutTrail(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(router(false))
	t.Cleanup(s.Close)
	if status, body, _ := get(t, s.URL+"/items/7"); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
}

// through is an engine that leads everything to next.
func through(next http.Handler, use ...gin.HandlerFunc) http.Handler {
	r := gin.New()
	r.Use(use...)
	r.NoRoute(func(c *gin.Context) {
		c.Status(http.StatusOK) // not the 404 that it starts with
		next.ServeHTTP(c.Writer, c.Request)
	})
	return r
}

// Engine, adapter and recording together are as invisible as the engine alone: what
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
		return wrap(through(next, gintx.Middleware()))
	}, map[string]string{
		"FirstStatusStands":                 "gin sends the last status set before the first byte",
		"InvalidStatusPanics":               "gin ignores a status of 0 and sends any other at the end",
		"EarlyHints":                        "gin takes a 1xx for a status that is overwritten",
		"FlushReportsErrors":                "gin's writer has no FlushError",
		"SameInterfaces":                    "gin's writer has neither ReadFrom nor FlushError",
		"NoneInvented":                      "gin's writer has Flusher, Hijacker and CloseNotifier always",
		"PushPasses":                        "gin's writer has Pusher() in the place of Push",
		"SendfileIsKept":                    "gin's writer has no ReadFrom",
		"MaxBytesReaderClosesTheConnection": "gin's writer hides the server's from MaxBytesReader",
		"MaxBytesReaderInPassing":           "gin's writer hides the server's from MaxBytesReader",
		"HijackByConnection":                "gin keeps a 101 back, and loses it when the connection is taken",
	})
}
