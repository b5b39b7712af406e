package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// taking is a handler that takes the connection and gives it to then.
func taking(t *testing.T, then func(*http.Request, net.Conn, *bufio.ReadWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		then(r, conn, rw)
	}
}

const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"

// A chat says who somebody is when it has the connection; its end tells.
func TestSaidOfTheConnection(t *testing.T) {
	for _, c := range []struct {
		name    string
		then    func(*http.Request, net.Conn, *bufio.ReadWriter)
		status  int
		outcome string
		user    string
		labels  []entry.Label
	}{
		{"nothing", func(_ *http.Request, conn net.Conn, _ *bufio.ReadWriter) { conn.Close() }, 0, "INFO", "early", nil},
		{"all", func(r *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
			middleware.SetUser(r.Context(), "kim")
			middleware.SetError(r.Context(), io.ErrUnexpectedEOF)
			for range 2 * entry.MaxLabels {
				middleware.Annotate(r.Context(), "room", "7")
			}
			conn.Close()
			middleware.SetUser(r.Context(), "late")
			middleware.Annotate(r.Context(), "late", "1")
		}, 0, "ERROR *errors.errorString", "kim", slicesOf(entry.Label{Name: "room", Value: "7"}, entry.MaxLabels)},
		{"refused", func(_ *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
			_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}, 403, "WARNING", "early", nil},
		{"upgraded", func(_ *http.Request, conn net.Conn, rw *bufio.ReadWriter) {
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n")
			_ = rw.Flush()
			_, _ = io.WriteString(conn, "HTTP/1.1 500 is said later\r\n")
			conn.Close()
		}, 101, "INFO", "early", nil},
		{"something else", func(_ *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
			_, _ = io.WriteString(conn, "HTTP/1.1 4o3 Forbidden\r\n\r\n")
			conn.Close()
		}, 0, "INFO", "early", nil},
		{"hardly anything", func(_ *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
			_, _ = io.WriteString(conn, "HTTP/1.1 40")
			conn.Close()
		}, 0, "INFO", "early", nil},
		{"a hint before", func(_ *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
			_, _ = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\n\r\n")
			conn.Close()
		}, 0, "INFO", "early", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
				middleware.SetUser(r.Context(), "early")
				taking(t, c.then)(w, r)
			})
			raw(t, s, upgrade)
			es := rec.wait(t, 2)
			e := es[1]
			if outcomeOf(e) != c.outcome || e.HTTP.Status != c.status || e.Facts.UserID != c.user || e.Facts.EntryPage != "GET /ws" || e.Parent != es[0].Span {
				t.Errorf("%d %q of %q from %q, want %d %q of %q", e.HTTP.Status, outcomeOf(e), e.Facts.UserID, e.Facts.EntryPage, c.status, c.outcome, c.user)
			}
			if diff := cmp.Diff(c.labels, e.Labels); diff != "" {
				t.Error(diff)
			}
			if len(es[0].Labels) != 0 || es[0].Facts.UserID != "early" {
				t.Errorf("the exchange's own: %v, %q", es[0].Labels, es[0].Facts.UserID)
			}
		})
	}
}

// So it is for work whose context outlives the request, whenever that was begun.
func TestSaidOfTheConnectionOutside(t *testing.T) {
	for _, untouched := range []bool{false, true} {
		s, rec := serve(t, middleware.Options{Untouched: untouched}, func(w http.ResponseWriter, r *http.Request) {
			before := txid.Detach(context.Background(), r.Context())
			taking(t, func(r *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
				after := txid.Detach(context.Background(), r.Context())
				middleware.Annotate(before, "said", "before")
				middleware.Annotate(after, "said", "after")
				middleware.SetUser(after, "kim")
				middleware.Keep(before)
				conn.Close()
				middleware.Annotate(before, "said", "late")
				late := txid.Detach(context.Background(), r.Context())
				for _, ctx := range []context.Context{before, after, late} {
					middleware.SetError(ctx, io.EOF)
					if got := page(ctx); got != "GET /ws" {
						t.Errorf("the page is %q", got)
					}
					if scope, _ := txid.FromContext(ctx); scope.Kept() != !untouched {
						t.Errorf("kept: %t", scope.Kept())
					}
				}
			})(w, r)
		})
		raw(t, s, upgrade)
		if untouched {
			rec.one(t)
			s.Close()
			continue
		}
		e := rec.wait(t, 2)[1]
		want := []entry.Label{{Name: "said", Value: "before"}, {Name: "said", Value: "after"}}
		if diff := cmp.Diff(want, e.Labels); diff != "" || e.Facts.UserID != "kim" || e.Error.Type != "" {
			t.Errorf("%q, user %q, %s", outcomeOf(e), e.Facts.UserID, diff)
		}
		s.Close()
	}
}

func slicesOf(l entry.Label, n int) (ls []entry.Label) {
	for range n {
		ls = append(ls, l)
	}
	return ls
}

// A handler that ends badly when it has the connection leaves a trace, at once.
func TestCrashWithTheConnection(t *testing.T) {
	for _, c := range []struct {
		name    string
		options middleware.Options
		end     func(*http.Request)
		want    string
	}{
		{"panic", middleware.Options{}, func(*http.Request) { explode() }, "CRITICAL panic panic"},
		{"untouched", middleware.Options{Untouched: true}, func(*http.Request) { explode() }, "CRITICAL panic panic"},
		{"not kept", middleware.Options{Keep: middleware.Always(middleware.None)}, func(*http.Request) { explode() }, "CRITICAL panic panic"},
		{"recovered", middleware.Options{}, func(r *http.Request) {
			defer func() { middleware.SetPanic(r.Context(), recover(), nil) }()
			explode()
		}, "CRITICAL panic panic"},
		{"goexit", middleware.Options{}, func(*http.Request) { runtime.Goexit() }, "ERROR goexit"},
		{"abort", middleware.Options{}, func(*http.Request) { panic(http.ErrAbortHandler) }, ""},
		{"skipped", middleware.Options{Skip: func(*http.Request) bool { return true }}, func(*http.Request) { explode() }, ""},
	} {
		for _, closed := range []bool{false, true} {
			name := c.name
			if closed {
				name += ", closed"
			}
			t.Run(name, func(t *testing.T) {
				conns := make(chan net.Conn, 1)
				ended := make(chan struct{})
				h := taking(t, func(r *http.Request, conn net.Conn, _ *bufio.ReadWriter) {
					if conns <- conn; closed {
						defer conn.Close()
					}
					c.end(r)
				})
				wrap, rec := recording(t, c.options)
				inner := wrap(h)
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(ended)
					inner.ServeHTTP(w, r)
				}))
				s.Config.ErrorLog = discardLog
				s.Start()
				defer s.Close()
				raw(t, s, upgrade)
				<-ended
				told := func() *entry.Entry {
					rec.mu.Lock()
					defer rec.mu.Unlock()
					for _, e := range rec.entries {
						if e.Kind == entry.KindLog {
							return e
						}
					}
					return nil
				}()
				switch {
				case c.want == "" && told != nil:
					t.Errorf("told %q", outcomeOf(told))
				case c.want != "" && told == nil:
					t.Fatal("there is no trace")
				case c.want != "":
					if outcomeOf(told) != c.want || !strings.HasPrefix(told.Message, "GET /ws: "+told.Error.Type) || told.Facts.EntryPage != "GET /ws" {
						t.Errorf("%q, %q from %q, want %q", outcomeOf(told), told.Message, told.Facts.EntryPage, c.want)
					}
					if told.HasFlag(entry.FlagPanic) && !strings.Contains(told.Error.Stack, "middleware_test.explode") {
						t.Errorf("the stack is %s", told.Error.Stack)
					}
				}
				(<-conns).Close()
				if c.want == "" || closed || c.options.Untouched {
					return
				}
				n := 3
				if c.options.Keep != nil {
					n = 2
				}
				if e := rec.wait(t, n)[n-1]; e.Kind != entry.KindStream || e.Severity != entry.SeverityError || e.Error.Type != told.Error.Type {
					t.Errorf("the connection's end: %s %q", e.Kind, outcomeOf(e))
				}
			})
		}
	}
}

// counting is a list of what is in flight.
type counting struct {
	mu   sync.Mutex
	open int
}

type counted struct{ c *counting }

func (c *counting) Begin(sink.InFlightRequest) sink.InFlightSlot {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	return counted{c}
}

func (c *counting) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (s counted) End() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.open--
}

func (counted) SetRoute(string) {}

// A connection that nobody closes is closed by the collector in the end; that is told,
// and it is in flight no longer. One of which only the buffers are in use still is.
func TestConnectionLeft(t *testing.T) {
	for name, body := range map[string]string{"": "", "with a body": "Content-Length: 3\r\n"} {
		t.Run(name, func(t *testing.T) {
			list := &counting{}
			used := make(chan struct{})
			s, rec := serve(t, middleware.Options{InFlight: list}, taking(t, func(_ *http.Request, _ net.Conn, rw *bufio.ReadWriter) {
				go func() {
					defer close(used)
					_, _ = rw.ReadString('\n')
				}()
			}))
			c := raw(t, s, strings.Replace(upgrade, "\r\n\r\n", "\r\n"+body+"\r\n", 1))
			rec.wait(t, 1)
			for range 5 {
				runtime.GC()
				time.Sleep(5 * time.Millisecond)
			}
			rec.one(t)
			if n := list.now(); n != 1 {
				t.Errorf("%d in flight, want 1", n)
			}
			_, _ = io.WriteString(c, "end\n")
			<-used
			closed := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				closed <- err
			}()
			for deadline := time.Now().Add(10 * time.Second); ; {
				runtime.GC()
				rec.mu.Lock()
				n := len(rec.entries)
				rec.mu.Unlock()
				if n == 2 && list.now() == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d entries, %d in flight", n, list.now())
				}
				time.Sleep(time.Millisecond)
			}
			if e := rec.entries[1]; e.Kind != entry.KindStream || e.Severity != entry.SeverityWarning || e.Request.Body.Size != 4 ||
				!strings.HasPrefix(e.Message, "GET /ws connection never closed") {
				t.Errorf("%s %q %q, %d bytes in", e.Kind, outcomeOf(e), e.Message, e.Request.Body.Size)
			}
			if err := <-closed; !errors.Is(err, io.EOF) {
				t.Errorf("the client got %v", err)
			}
		})
	}
}
