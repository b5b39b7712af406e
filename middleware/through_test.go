package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// unwrapOnly is the writer of many a middleware: the handlers within reach flushing and
// hijacking by Unwrap alone, through http.ResponseController.
type unwrapOnly struct{ http.ResponseWriter }

func (u unwrapOnly) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// within starts a server with h behind the middleware, behind one that has no
// interfaces but Unwrap.
func within(t *testing.T, opts middleware.Options, h http.HandlerFunc) (*httptest.Server, *recorded) {
	t.Helper()
	wrap, rec := recording(t, opts)
	inner := wrap(h)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(unwrapOnly{w}, r)
	}))
	t.Cleanup(s.Close)
	return s, rec
}

func TestFlushThroughUnwrap(t *testing.T) {
	s, rec := within(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); ok {
			t.Error("a Flusher where the inner writer is none")
		}
		w.Header().Set("Content-Type", "text/plain")
		rc := http.NewResponseController(w)
		for range 2 {
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, "a")
		}
	})
	res, body := do(t, s.Client(), request(t, "GET", s.URL, nil))
	e := rec.one(t)
	if body != "aa" || res.Header.Get("X-Transaction-Id") != string(e.TxID) {
		t.Errorf("body %q, header %v, want the ID %s, which a flush sends", body, res.Header, e.TxID)
	}
	if e.HTTP.Status != 200 || !e.HasFlag(entry.FlagStreamed) || e.Response.Body.Chunks != 2 {
		t.Errorf("status %d, flags %v, %d chunks", e.HTTP.Status, e.Flags, e.Response.Body.Chunks)
	}
}

func TestHijackThroughUnwrap(t *testing.T) {
	left := make(chan struct{})
	s, rec := within(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Hijacker); ok {
			t.Error("a Hijacker where the inner writer is none")
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer conn.Close()
			<-left
			line, _ := rw.ReadString('\n')
			_, _ = io.WriteString(conn, strings.ToUpper(line))
		}()
	})
	conn := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if e := rec.one(t); !e.HasFlag(entry.FlagHijacked) || e.HTTP.Status != 0 {
		t.Errorf("status %d, flags %v, want the entry at the hijack", e.HTTP.Status, e.Flags)
	}
	close(left)
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(conn); err != nil || string(b) != "HELLO\n" {
		t.Errorf("%q, %v", b, err)
	}
	if e := rec.wait(t, 2)[1]; e.Kind != entry.KindStream || e.Request.Body.Size != 6 || e.Response.Body.Size != 6 {
		t.Errorf("%s, %d in, %d out", e.Kind, e.Request.Body.Size, e.Response.Body.Size)
	}
}

// errorFlusher flushes by what http.ResponseController looks for first, and unwraps to
// nothing.
type errorFlusher struct {
	http.ResponseWriter
	err error
}

func (f errorFlusher) FlushError() error {
	return errors.Join(f.err, http.NewResponseController(f.ResponseWriter).Flush())
}

func TestFlushErrorAlone(t *testing.T) {
	failed := errors.New("no more")
	for name, want := range map[string]error{"flushes": nil, "fails": failed} {
		t.Run(name, func(t *testing.T) {
			wrap, rec := recording(t, middleware.Options{})
			inner := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if _, ok := w.(http.Flusher); ok {
					t.Error("a Flusher where the inner writer is none")
				}
				if err := http.NewResponseController(w).Flush(); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
				_, _ = io.WriteString(w, "x")
			}))
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(errorFlusher{w, want}, r)
			}))
			defer s.Close()
			res, _ := do(t, s.Client(), request(t, "GET", s.URL, nil))
			if e := rec.one(t); res.Header.Get("X-Transaction-Id") != string(e.TxID) || !e.HasFlag(entry.FlagStreamed) || e.HasFlag(entry.FlagAborted) != (want != nil) {
				t.Errorf("ID %q of %q, flags %v", res.Header.Get("X-Transaction-Id"), e.TxID, e.Flags)
			}
		})
	}
}

// What is not there further in either is not made up.
func TestNothingThroughUnwrap(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	w := httptest.NewRecorder()
	wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Flush: %v", err)
		}
		if _, _, err := rc.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack: %v", err)
		}
	})).ServeHTTP(unwrapOnly{struct{ http.ResponseWriter }{w}}, httptest.NewRequest("GET", "/", nil))
	if e := rec.one(t); e.HTTP.Status != 200 || w.Flushed {
		t.Errorf("status %d", e.HTTP.Status)
	}
}
