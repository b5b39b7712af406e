package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// A connection that its handler has left is the collector's, also where somebody has put
// it, or what leads to it, into the request's context.
func TestLeftConnectionIsCollected(t *testing.T) {
	type key struct{}
	for _, c := range []struct {
		name string
		conn func(ctx context.Context, c net.Conn) context.Context
		wrap func(http.Handler) http.Handler
	}{
		{name: "the server's ConnContext", conn: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, key{}, c) }},
		{name: "a middleware around us", wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, w)))
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			record, rec := recording(t, middleware.Options{})
			h := record(taking(t, func(*http.Request, net.Conn, *bufio.ReadWriter) {}))
			if c.wrap != nil {
				h = c.wrap(h)
			}
			s := httptest.NewUnstartedServer(h)
			s.Config.ConnContext = c.conn
			s.Start()
			defer s.Close()
			conn := raw(t, s, upgrade)
			rec.wait(t, 1)
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
				runtime.GC()
				_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
				if _, err := conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
					rec.wait(t, 2)
					return
				}
			}
			t.Error("nobody has closed it")
		})
	}
}

// The headers are the handler's: whoever logs, calls or closes elsewhere does not look at
// them. Run it with -race; without, the map itself may notice.
func TestHeadersAreTheHandlers(t *testing.T) {
	write := func(r *http.Request) {
		for i := range 1000 {
			r.Header.Set("X-User", fmt.Sprint(i))
		}
	}
	t.Run("asked for the page", func(t *testing.T) {
		wrap, rec := recording(t, middleware.Options{})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Transaction-Id", "order-2026-000017")
		r.Header.Set("Referer", "https://shop.example/items/7?from=mail")
		wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			done, ctx := make(chan struct{}), r.Context()
			go func() {
				defer close(done)
				for range 1000 {
					if p := page(ctx); p != "/items/7" {
						t.Errorf("page %q", p)
						return
					}
				}
			}()
			write(r)
			<-done
		})).ServeHTTP(httptest.NewRecorder(), r)
		if e := rec.one(t); e.Facts.EntryPage != "/items/7" {
			t.Errorf("entry page %q", e.Facts.EntryPage)
		}
	})
	t.Run("closed", func(t *testing.T) {
		s, rec := serve(t, middleware.Options{}, taking(t, func(r *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
			go conn.Close()
			write(r)
		}))
		raw(t, s, upgrade)
		rec.wait(t, 2)
	})
}

// A panic that a middleware inside of us recovers, tells of and raises again is one.
func TestCrashIsToldOnce(t *testing.T) {
	record, rec := recording(t, middleware.Options{})
	h := record(taking(t, func(r *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
		defer conn.Close()
		defer func() {
			v := recover()
			middleware.SetPanic(r.Context(), v, nil)
			panic(v)
		}()
		panic("once")
	}))
	done := make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		h.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = discardLog
	s.Start()
	defer s.Close()
	raw(t, s, upgrade)
	<-done
	critical := 0
	for _, e := range rec.wait(t, 3) {
		if e.Severity == entry.SeverityCritical {
			critical++
		}
	}
	if critical != 1 {
		t.Errorf("%d critical entries", critical)
	}
}
