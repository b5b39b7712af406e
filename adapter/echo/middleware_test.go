package echotx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"

	"github.com/txtrail/txtrail/adapter/echo"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/middleware/conformance"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

var errStock = errors.New("no stock")

type named struct{}

func (named) Error() string     { return "till closed" }
func (named) ErrorType() string { return "unavailable" }

func router(use ...echo.MiddlewareFunc) *echo.Echo {
	e := echo.New()
	e.Use(use...)
	say := func(c *echo.Context) error {
		return c.String(http.StatusOK, string(txid.IDFromContext(c.Request().Context())))
	}
	e.GET("/", say)
	e.GET("/items/:id", say)
	e.GET("/files/*", say)
	e.POST("/only/post", say)
	e.GET("/panic/:how", func(*echo.Context) error { panic("on purpose") })
	api := e.Group("/api")
	api.GET("/carts/:cart", say)
	api.GET("/broken", func(*echo.Context) error { return fmt.Errorf("cart: %w", errStock) })
	api.GET("/wrapped", func(*echo.Context) error {
		return echo.NewHTTPError(http.StatusBadGateway, "sorry").Wrap(errStock)
	})
	api.GET("/named", func(*echo.Context) error {
		return echo.NewHTTPError(http.StatusBadGateway, "sorry").Wrap(named{})
	})
	api.GET("/refused", func(*echo.Context) error { return echo.NewHTTPError(http.StatusConflict, "sold already") })
	api.GET("/silent", func(c *echo.Context) error {
		if err := c.String(http.StatusNotFound, "none"); err != nil {
			return err
		}
		var err *silent
		return err
	})
	api.GET("/late", func(c *echo.Context) error {
		return errors.Join(c.String(http.StatusOK, "all is well"), errStock)
	})
	return e
}

func recovering() *echo.Echo {
	return router(echomiddleware.Recover(), echotx.Middleware())
}

// silent panics when it is asked and is a nil pointer, as errors that were meant to be none
// do.
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
		{"wildcard", "/files/a/b/c", "/files/*", 200},
		{"group", "/api/carts/9", "/api/carts/:cart", 200},
		{"panic", "/panic/now", "/panic/:how", 500},
		{"nothing", "/nothing", "", 404},
		{"the beginning of a route", "/items", "", 404},
		{"a slash in the last parameter", "/items/7/x", "/items/:id", 200},
		{"a group alone", "/api/", "", 404},
		{"other method", "/only/post", "/only/post", 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			pre := router()
			pre.Pre(echomiddleware.Recover(), echotx.Middleware(), func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c *echo.Context) error {
					// The pattern that echo puts on the request is on this copy then.
					c.SetRequest(c.Request().Clone(c.Request().Context()))
					return next(c)
				}
			})
			for i, h := range []http.Handler{recovering(), pre} {
				s := serve(t, q, h)
				status, _, _ := get(t, s.URL+tc.path)
				e := entries(t, mem, i+1)[i]
				if e.HTTP.Route != tc.route || e.HTTP.Status != tc.status || status != tc.status {
					t.Errorf("%s: route %q, status %d recorded, %d answered; want %q, %d", tc.path, e.HTTP.Route, e.HTTP.Status, status, tc.route, tc.status)
				}
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
		{"/api/broken", 500, entry.Error{Type: "*fmt.wrapError", Message: "cart: no stock"}, nil, true},
		{"/api/wrapped", 502, entry.Error{Type: "*errors.errorString", Message: "code=502, message=sorry, err=no stock"}, nil, true},
		{"/api/named", 502, entry.Error{Type: "unavailable", Message: "code=502, message=sorry, err=till closed"}, nil, true},
		{"/api/refused", 409, entry.Error{}, []entry.Label{{Name: echotx.LabelClientError, Value: "code=409, message=sold already"}}, false},
		{"/nothing", 404, entry.Error{}, []entry.Label{{Name: echotx.LabelClientError, Value: "Not Found"}}, false},
		{"/api/silent", 404, entry.Error{}, []entry.Label{{Name: echotx.LabelClientError, Value: "<nil>"}}, false},
		{"/api/late", 200, entry.Error{Type: "*errors.joinError", Message: "no stock"}, nil, true},
		{"/items/7", 200, entry.Error{}, nil, false},
	} {
		t.Run(tc.path, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			s := serve(t, q, recovering())
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
	s := serve(t, q, recovering())
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

// Recover answers 500; the entry tells why, on whichever side of it the adapter stands.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]*echo.Echo{
		"inside of Recover":  recovering(),
		"outside of Recover": router(echotx.Middleware(), echomiddleware.Recover()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			s := serve(t, q, e)
			status, _, _ := get(t, s.URL+"/panic/now")
			e := entries(t, mem, 1)[0]
			if status != 500 || e.HTTP.Status != 500 || e.Error.Type != "panic" || !strings.HasSuffix(e.Error.Message, ": on purpose") ||
				!e.HasFlag(entry.FlagPanic) || e.Severity != entry.SeverityCritical || !strings.Contains(e.Error.Stack, "router") {
				t.Errorf("error %+v, flags %v, %v", e.Error, e.Flags, e.Severity)
			}
		})
	}
}

// Outside of an exchange it is not there.
func TestWithoutTrail(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(recovering())
	t.Cleanup(s.Close)
	if status, body, _ := get(t, s.URL+"/items/7"); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
}

// through is an Echo that leads everything to next.
func through(next http.Handler, use ...echo.MiddlewareFunc) http.Handler {
	e := echo.New()
	e.Pre(use...)
	e.Pre(func(echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			next.ServeHTTP(c.Response(), c.Request())
			return nil
		}
	})
	return e
}

// Echo, adapter and recording together are as invisible as Echo alone: what is left
// out does not hold for it either.
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
		return wrap(through(next, echotx.Middleware()))
	}, map[string]string{
		"EarlyHints":                        "echo takes a 1xx for the answer",
		"FlushReportsErrors":                "echo's writer has no FlushError",
		"SameInterfaces":                    "echo's writer has neither ReadFrom, CloseNotifier nor FlushError",
		"NoneInvented":                      "echo's writer has Flusher and Hijacker always",
		"PushPasses":                        "echo's writer has no Pusher",
		"SendfileIsKept":                    "echo's writer has no ReadFrom",
		"MaxBytesReaderClosesTheConnection": "echo's writer hides the server's from MaxBytesReader",
		"MaxBytesReaderInPassing":           "echo's writer hides the server's from MaxBytesReader",
	})
}
