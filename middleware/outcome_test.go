package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// flags joins what changes how an entry is to be read.
func outcomeOf(e *entry.Entry) string {
	return strings.TrimSpace(e.Severity.String() + " " + e.Error.Type + " " + strings.Join(e.Flags, " "))
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name    string
		h       http.HandlerFunc
		status  int
		outcome string
	}{
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, 200, "INFO  request_body_unread"},
		{"read", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }, 200, "INFO"},
		{"read by the length", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadFull(r.Body, make([]byte, 4)) }, 200, "INFO"},
		{"not found", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			http.NotFound(w, r)
		}, 404, "WARNING"},
		{"failed", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			middleware.SetError(r.Context(), os.ErrNotExist)
			w.WriteHeader(503)
			w.WriteHeader(200)
		}, 503, "ERROR *errors.errorString"},
		{"early hints", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			w.WriteHeader(103)
			w.WriteHeader(202)
		}, 202, "INFO"},
		{"streamed", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "x")
		}, 200, "INFO  streamed"},
		{"panic", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			panic("boom")
		}, 0, "CRITICAL panic panic"},
		{"panic after the answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			w.WriteHeader(201)
			panic(errors.New("boom"))
		}, 201, "CRITICAL panic panic"},
		{"panic nil", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			var nothing any
			panic(nothing)
		}, 0, "CRITICAL panic panic"},
		{"abort", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}, 200, "WARNING handler_aborted"},
		{"goexit", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			runtime.Goexit()
		}, 0, "ERROR goexit"},
		{"invalid status", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			w.WriteHeader(0)
		}, 0, "CRITICAL panic panic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, rec := serve(t, middleware.Options{}, c.h)
			s.Config.ErrorLog = discardLog
			r := request(t, "POST", s.URL, strings.NewReader("body"))
			r.Close = true // Goexit leaves the connection hanging otherwise
			go func() {
				if res, err := s.Client().Do(r); err == nil {
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}()
			e := rec.one(t)
			if e.HTTP.Status != c.status || outcomeOf(e) != c.outcome {
				t.Errorf("got %d %q, want %d %q", e.HTTP.Status, outcomeOf(e), c.status, c.outcome)
			}
			s.CloseClientConnections()
		})
	}
}

func TestPanicIsTold(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	func() {
		defer func() { _ = recover() }()
		wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { explode() })).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil))
	}()
	e := rec.one(t)
	if e.Error.Message != "*errors.errorString: kaboom" || !strings.Contains(e.Error.Stack, "middleware_test.explode") || !strings.HasPrefix(e.Message, "GET /x panic (") {
		t.Errorf("message %q, error %q, stack\n%s", e.Message, e.Error.Message, e.Error.Stack)
	}
}

//go:noinline
func explode() { panic(errors.New("kaboom")) }

func TestClientAborts(t *testing.T) {
	t.Run("while the handler works", func(t *testing.T) {
		started := make(chan struct{})
		s, rec := serve(t, middleware.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			close(started)
			<-r.Context().Done()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-started
			cancel()
		}()
		if _, err := s.Client().Do(request(t, "GET", s.URL, nil).WithContext(ctx)); err == nil {
			t.Error("no error")
		}
		e := rec.one(t)
		if outcomeOf(e) != "WARNING client_aborted client_aborted" || e.Error.Message != "context canceled" {
			t.Errorf("got %q %q", outcomeOf(e), e.Error.Message)
		}
	})
	t.Run("while it takes the answer", func(t *testing.T) {
		s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		c := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_, _ = c.Read(make([]byte, 10))
		c.Close()
		if e := rec.one(t); !strings.HasPrefix(outcomeOf(e), "WARNING client_aborted client_aborted") || e.HTTP.Status != 200 {
			t.Errorf("got %d %q", e.HTTP.Status, outcomeOf(e))
		}
	})
	t.Run("while it sends", func(t *testing.T) {
		s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				http.Error(w, "bad", http.StatusBadRequest)
			}
		})
		c := raw(t, s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
		c.Close()
		e := rec.one(t)
		if !e.HasFlag(entry.FlagUnread) || string(e.Request.Body.Raw) != "half" || e.Request.Body.Size != 4 || !e.Request.Body.Truncated || e.Error.Type == "" {
			t.Errorf("got %q, body %+v", outcomeOf(e), e.Request.Body)
		}
	})
	t.Run("after the whole answer", func(t *testing.T) {
		left := make(chan struct{})
		s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
			<-left
			<-r.Context().Done()
		})
		c := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(res.Body)
		c.Close()
		close(left)
		if e := rec.one(t); outcomeOf(e) != "INFO" {
			t.Errorf("got %q", outcomeOf(e))
		}
	})
	t.Run("too slow", func(t *testing.T) {
		s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if e := rec.one(t); outcomeOf(e) != "ERROR write_timeout" {
			t.Errorf("got %q %q", outcomeOf(e), e.Error.Message)
		}
	})
}

func TestHijackedIsTwoEntries(t *testing.T) {
	taken, done := make(chan struct{}), make(chan struct{})
	wrap, rec := recording(t, middleware.Options{})
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		middleware.SetRoute(r.Context(), "/ws")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		close(taken)
		defer conn.Close()
		line, err := rw.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(rw, line+line)
		_ = rw.Flush()
		_, _ = io.ReadFull(conn, make([]byte, 3))
		_, _ = io.WriteString(conn, "bye")
	}))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done) // nothing is told of the exchange any more
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c := raw(t, s, "GET /ws?x=1 HTTP/1.1\r\nHost: a\r\nX-Client-User: 42\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly\n")
	<-taken
	e := rec.one(t) // while the connection lives
	if e.Kind != entry.KindServer || e.HTTP.Status != 101 || outcomeOf(e) != "INFO  hijacked" || e.HTTP.Route != "/ws" {
		t.Errorf("got %s %d %q %q", e.Kind, e.HTTP.Status, outcomeOf(e), e.HTTP.Route)
	}
	_, _ = io.WriteString(c, "end")
	<-done
	e2 := rec.wait(t, 2)[1]
	if e2.Kind != entry.KindStream || e2.Request.Body.Size != 9 || e2.Response.Body.Size < 15 || e2.Parent != e.Span || e2.TxID != e.TxID ||
		e2.HTTP.Route != "/ws" || e2.Facts.UserID != "42" || e2.Facts.EntryPage != "GET /ws" || e2.HTTP.Status != 101 {
		t.Errorf("got %+v", e2)
	}
	if n := len(rec.wait(t, 2)); n != 2 {
		t.Errorf("%d entries", n)
	}
}

func TestUntouchedConnection(t *testing.T) {
	kind := make(chan bool, 1)
	s, _ := serve(t, middleware.Options{Untouched: true}, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, ok := conn.(*net.TCPConn)
		kind <- ok
		conn.Close()
	})
	raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !<-kind {
		t.Error("the connection is not the server's own")
	}
}

func TestUsedLate(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	var kept http.ResponseWriter
	var body io.Reader
	w := httptest.NewRecorder()
	wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept, body = w, r.Body
		_, _ = io.ReadFull(body, make([]byte, 2))
		_, _ = io.WriteString(w, "answer")
	})).ServeHTTP(w, httptest.NewRequest("POST", "/x", strings.NewReader("body")))
	first := rec.one(t)
	if got, _ := io.ReadAll(body); string(got) != "dy" {
		t.Errorf("the late read got %q", got)
	}
	rec.one(t) // a transport reads on legitimately
	for range 3 {
		_, _ = io.WriteString(kept, " late")
	}
	if w.Body.String() != "answer late late late" {
		t.Errorf("body %q: a late write goes where it went without us", w.Body)
	}
	es := rec.wait(t, 2)
	if len(es) != 2 || es[1].Kind != entry.KindLog || !es[1].HasFlag(entry.FlagLate) || es[1].TxID != first.TxID {
		t.Errorf("got %d entries, the last %+v", len(es), es[len(es)-1])
	}
	if string(first.Request.Body.Raw) != "bo" || string(first.Response.Body.Raw) != "answer" {
		t.Errorf("captured %q and %q", first.Request.Body.Raw, first.Response.Body.Raw)
	}
}

func TestTwiceIsOnce(t *testing.T) {
	outer, rec := recording(t, middleware.Options{})
	inner, none := recording(t, middleware.Options{})
	w := httptest.NewRecorder()
	outer(inner(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	rec.one(t)
	if len(none.entries) != 0 || len(w.Header()["X-Transaction-Id"]) != 1 {
		t.Errorf("the inner one recorded %d entries; headers %v", len(none.entries), w.Header())
	}
}

// A whole answer is no failure because a deadline has passed, or because somebody has
// canceled the context of a client that is still there, such as a server's BaseContext that
// ends at SIGTERM.
func TestWholeAnswers(t *testing.T) {
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	past := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithDeadline(ctx, time.Unix(1, 0))
	}
	canceled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	}
	for _, c := range []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		h    http.HandlerFunc
		want string
	}{
		{"late", past, write("ok"), "INFO"},
		{"late, with its length", past, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
		}, "INFO"},
		{"late, without content", past, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "INFO"},
		{"late, not found", past, http.NotFound, "WARNING"},
		{"late, and it failed", past, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "late", http.StatusServiceUnavailable) }, "ERROR timeout"},
		{"late, without an answer", past, func(http.ResponseWriter, *http.Request) {}, "ERROR timeout"},
		{"late, a part", past, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "o")
			w.(http.Flusher).Flush()
		}, "ERROR timeout"},
		{"late, more than can be told", past, write(strings.Repeat("x", 3<<10)), "ERROR timeout"},
		{"canceled", canceled, write("ok"), "INFO"},
		{"canceled, without an answer", canceled, func(http.ResponseWriter, *http.Request) {}, "WARNING client_aborted client_aborted"},
		{"canceled, and it failed", canceled, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 499) }, "WARNING client_aborted client_aborted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrap, rec := recording(t, middleware.Options{})
			h := wrap(c.h)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := c.ctx(r.Context())
				defer cancel()
				h.ServeHTTP(w, r.WithContext(ctx))
			}))
			defer s.Close()
			do(t, s.Client(), request(t, "GET", s.URL, nil))
			if e := rec.one(t); outcomeOf(e) != c.want {
				t.Errorf("got %q %q, want %q", outcomeOf(e), e.Error.Message, c.want)
			}
		})
	}

	// Over HTTP/2 the stream of a HEAD ends with the headers: later writes fail.
	t.Run("HEAD", func(t *testing.T) {
		wrap, rec := recording(t, middleware.Options{})
		s := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				_, _ = w.Write(make([]byte, 1000))
				time.Sleep(time.Millisecond) // the client has its answer meanwhile
			}
		})))
		s.EnableHTTP2 = true
		s.StartTLS()
		defer s.Close()
		do(t, s.Client(), request(t, "HEAD", s.URL, nil))
		if e := rec.one(t); outcomeOf(e) != "INFO" {
			t.Errorf("got %q %q", outcomeOf(e), e.Error.Message)
		}
	})

	t.Run("gone", func(t *testing.T) {
		wrap, rec := recording(t, middleware.Options{})
		s := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			left := w.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // what it is for
			for len(left) == 0 {
				time.Sleep(time.Millisecond)
			}
			<-r.Context().Done()
			_, _ = io.WriteString(w, "ok")
		})))
		defer s.Close()
		raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").Close()
		if e := rec.one(t); outcomeOf(e) != "WARNING client_aborted client_aborted" {
			t.Errorf("got %q", outcomeOf(e))
		}
	})
}
