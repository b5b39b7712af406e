package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// fails runs a case on wrap and reports whether it failed.
func fails(t *testing.T, k Case, wrap Middleware) bool {
	p := http1
	if k.over != nil {
		p = k.over[0]
	}
	const patience = 300 * time.Millisecond
	return len(examine(t.Context(), patience, k.Reason, func(c *collector) { k.run(c, p, patience, wrap) })) > 0
}

// The ways in which middlewares are wrong. Only what is changed differs from none.

// transparent passes everything; broken writers embed it.
type transparent struct{ http.ResponseWriter }

func (w transparent) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w transparent) Flush()                      { w.ResponseWriter.(http.Flusher).Flush() }
func (w transparent) FlushError() error {
	return w.ResponseWriter.(interface{ FlushError() error }).FlushError()
}

func (w transparent) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

func (w transparent) ReadFrom(r io.Reader) (int64, error) {
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

func (w transparent) CloseNotify() <-chan bool {
	return w.ResponseWriter.(interface{ CloseNotify() <-chan bool }).CloseNotify()
}

// wrapping makes a middleware of a writer.
func wrapping(f func(http.ResponseWriter) http.ResponseWriter) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(f(w), r) })
	}
}

// before changes the request on a copy.
func before(f func(http.ResponseWriter, *http.Request) *http.Request) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, f(w, r.WithContext(r.Context())))
		})
	}
}

func recovering(f func(http.ResponseWriter, any)) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					f(w, v)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

type hiding struct{ http.ResponseWriter }

type wrongCount struct{ transparent }

func (w wrongCount) Write(p []byte) (int, error) {
	_, _ = w.ResponseWriter.Write(p)
	return len(p) + 1, nil
}

type piecemeal struct{ transparent }

func (w piecemeal) Write(p []byte) (int, error) {
	for i := range p {
		_, _ = w.ResponseWriter.Write(p[i : i+1])
	}
	w.Flush()
	return len(p), nil
}

type ownHeader struct {
	transparent
	h http.Header
}

func (w ownHeader) Header() http.Header { return w.h }
func (w ownHeader) copy() {
	for name := range w.h {
		w.ResponseWriter.Header().Set(name, w.h.Get(name))
	}
}

func (w ownHeader) Write(p []byte) (int, error) {
	w.copy()
	return w.ResponseWriter.Write(p)
}

func (w ownHeader) WriteHeader(status int) {
	w.copy()
	w.ResponseWriter.WriteHeader(status)
}

// lastStatus keeps the status until the first byte, and makes any number valid.
type lastStatus struct {
	transparent
	status int
}

func (w *lastStatus) WriteHeader(status int) {
	if status < 100 || status > 999 {
		status = 500
	}
	w.status = status
}

func (w *lastStatus) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	n, err := w.ResponseWriter.Write(p)
	if w.status == http.StatusOK {
		return n, nil
	}
	return n, err
}

type cutting struct{ transparent }

func (w cutting) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "\x1f\x8b") {
		p = []byte("decoded")
	}
	_, err := w.ResponseWriter.Write(bytes.TrimLeft(p, "0"))
	return len(p), err
}

func (w cutting) ReadFrom(r io.Reader) (int64, error) {
	n, _ := io.Copy(struct{ io.Writer }{w.ResponseWriter}, io.LimitReader(r, 4000))
	return n, nil
}

// delaying holds Writes back, but not WriteString and ReadFrom.
type delaying struct {
	transparent
	held *bytes.Buffer
}

func (w delaying) Write(p []byte) (int, error)         { return w.held.Write(p) }
func (w delaying) WriteString(s string) (int, error)   { return io.WriteString(w.ResponseWriter, s) }
func (w delaying) ReadFrom(r io.Reader) (int64, error) { return w.transparent.ReadFrom(r) }

type losingFlush struct{ transparent }

func (w losingFlush) Flush()            {}
func (w losingFlush) FlushError() error { return nil }

type bareConn struct{ net.Conn }

type hijackLosing struct{ transparent }

func (w hijackLosing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	rw.Reader.Reset(conn) // what was read ahead is gone
	return bareConn{conn}, rw, nil
}

type hijackClosing struct {
	transparent
	conn *net.Conn
}

func (w hijackClosing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.ResponseWriter.(http.Hijacker).Hijack()
	*w.conn = conn
	return conn, rw, err
}

func (w hijackClosing) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	if errors.Is(err, http.ErrHijacked) || errors.Is(err, http.ErrHandlerTimeout) {
		return len(p), nil
	}
	return n, err
}

type lying struct{ transparent }

func (w lying) Push(string, *http.PushOptions) error { return errors.New("not today") }

var brokenMiddlewares = map[string]Middleware{
	"buffers the answer": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			for name, v := range rec.Header() {
				w.Header()[name] = v
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	},
	"hides the interfaces":      wrapping(func(w http.ResponseWriter) http.ResponseWriter { return hiding{w} }),
	"invents interfaces":        wrapping(func(w http.ResponseWriter) http.ResponseWriter { return lying{transparent{w}} }),
	"miscounts":                 wrapping(func(w http.ResponseWriter) http.ResponseWriter { return wrongCount{transparent{w}} }),
	"writes in pieces":          wrapping(func(w http.ResponseWriter) http.ResponseWriter { return piecemeal{transparent{w}} }),
	"has headers of its own":    wrapping(func(w http.ResponseWriter) http.ResponseWriter { return ownHeader{transparent{w}, http.Header{}} }),
	"keeps the status":          wrapping(func(w http.ResponseWriter) http.ResponseWriter { return &lastStatus{transparent: transparent{w}} }),
	"changes the body":          wrapping(func(w http.ResponseWriter) http.ResponseWriter { return cutting{transparent{w}} }),
	"does not flush":            wrapping(func(w http.ResponseWriter) http.ResponseWriter { return losingFlush{transparent{w}} }),
	"loses what was read ahead": wrapping(func(w http.ResponseWriter) http.ResponseWriter { return hijackLosing{transparent{w}} }),
	"holds writes back": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			held := &bytes.Buffer{}
			next.ServeHTTP(delaying{transparent{w}, held}, r)
			_, _ = w.Write(held.Bytes())
		})
	},
	"closes a taken connection": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var conn net.Conn
			next.ServeHTTP(hijackClosing{transparent{w}, &conn}, r)
			if conn != nil {
				_ = conn.Close()
			}
		})
	},
	"sets headers early": before(func(w http.ResponseWriter, r *http.Request) *http.Request {
		w.Header().Set("X-Request-Id", "1")
		return r
	}),
	"closes connections": before(func(w http.ResponseWriter, r *http.Request) *http.Request {
		w.Header().Set("Connection", "close")
		return r
	}),
	"sniffs for itself": before(func(w http.ResponseWriter, r *http.Request) *http.Request {
		w.Header().Set("Content-Type", "text/plain")
		return r
	}),
	"reads the body first": before(func(_ http.ResponseWriter, r *http.Request) *http.Request {
		if r.Body != nil {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		return r
	}),
	"drains the body": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			_, _ = io.Copy(io.Discard, r.Body)
		})
	},
	"drains and flushes": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			next.ServeHTTP(w, r)
			w.Header().Set("X-Late", "1")
			_, _ = io.Copy(io.Discard, r.Body)
		})
	},
	"changes the server's request": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = struct{ io.ReadCloser }{r.Body}
			next.ServeHTTP(w, r)
		})
	},
	"always wraps the body": before(func(_ http.ResponseWriter, r *http.Request) *http.Request {
		if r.Body != nil {
			r.Body = struct{ io.ReadCloser }{r.Body}
		} else {
			r.Body = http.NoBody
		}
		return r
	}),
	"cuts the body": before(func(_ http.ResponseWriter, r *http.Request) *http.Request {
		if r.Body != nil {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(r.Body, 4000), r.Body}
		}
		return r
	}),
	"forgives a short body": before(func(_ http.ResponseWriter, r *http.Request) *http.Request {
		if r.Body != nil {
			r.Body = forgiving{r.Body}
		}
		return r
	}),
	"makes up a context": before(func(_ http.ResponseWriter, r *http.Request) *http.Request {
		return r.WithContext(context.Background())
	}),
	"edits the request": before(func(_ http.ResponseWriter, r *http.Request) *http.Request {
		r = r.Clone(r.Context())
		r.Method = strings.ToLower(r.Method)
		r.URL.Path = strings.ToUpper(r.URL.Path)
		r.Header.Del("Range")
		r.RequestURI = r.URL.Path
		return r
	}),
	"answers a panic": recovering(func(w http.ResponseWriter, _ any) { w.WriteHeader(500) }),
	"wraps a panic":   recovering(func(_ http.ResponseWriter, v any) { panic(fmt.Errorf("wrapped: %v", v)) }),
	"has its own goroutine": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			done := make(chan any, 1)
			go func() {
				defer func() { done <- recover() }()
				next.ServeHTTP(w, r)
			}()
			if v := <-done; v != nil {
				panic(v)
			}
		})
	},
	"keeps the trailers": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			for name := range w.Header() {
				if strings.HasPrefix(name, http.TrailerPrefix) || name == "X-Sum" {
					w.Header().Del(name)
				}
			}
		})
	},
	"serializes reading and writing": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body != nil {
				r = r.WithContext(r.Context())
				r.Body = io.NopCloser(io.LimitReader(r.Body, 1<<19))
			}
			next.ServeHTTP(w, r)
		})
	},
	// It waits for the handler, other than http.TimeoutHandler alone, whose Push races
	// with the server once the time is over.
	"has timeouts of its own": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			done := make(chan struct{})
			http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(done)
				next.ServeHTTP(w, r)
			}), 10*time.Millisecond, "mine").ServeHTTP(w, r)
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			<-done
		})
	},
	"refuses 1xx, upgrades and small things": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/2" || r.Method == "CONNECT" || r.ProtoMinor == 0 {
				w.WriteHeader(http.StatusNotImplemented)
				return
			}
			next.ServeHTTP(w, r)
			w.Header().Set("Content-Length", "0")
		})
	},
	"answers bad requests better": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body != nil && r.Method == "POST" {
				b, err := io.ReadAll(r.Body)
				if err != nil || r.Context().Err() != nil {
					w.WriteHeader(http.StatusUnprocessableEntity)
					return
				}
				r = r.WithContext(r.Context())
				r.Body = io.NopCloser(bytes.NewReader(b))
			}
			next.ServeHTTP(w, r)
		})
	},
	"answers for the handler": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen := &counting{transparent: transparent{w}}
			next.ServeHTTP(seen, r)
			if seen.n == 0 {
				_, _ = io.WriteString(w, "null")
			}
		})
	},
	"answers first": before(func(w http.ResponseWriter, r *http.Request) *http.Request {
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		return r
	}),
}

type counting struct {
	transparent
	n int
}

func (w *counting) WriteHeader(status int) {
	w.n++
	w.ResponseWriter.WriteHeader(status)
}

func (w *counting) Write(p []byte) (int, error) {
	w.n++
	return w.ResponseWriter.Write(p)
}

type forgiving struct{ io.ReadCloser }

func (f forgiving) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}

// Every case must be able to fail: for each there is a broken middleware that it
// catches.
func TestEveryCaseCatchesSomething(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	caught := map[string][]string{}
	passed := map[string]bool{}
	slots := make(chan struct{}, 48) // they wait more than they work
	var wg sync.WaitGroup
	for name := range brokenMiddlewares {
		passed[name] = true
	}
	for name, wrap := range brokenMiddlewares {
		for _, k := range Cases() {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if fails(t, k, wrap) {
					mu.Lock()
					caught[k.Name] = append(caught[k.Name], name)
					passed[name] = false
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	for name, all := range passed {
		if all {
			t.Errorf("what %s passes as if it were not there", name)
		}
	}
	for _, k := range Cases() {
		if len(caught[k.Name]) == 0 {
			t.Errorf("%s catches nothing", k.Name)
		}
		sort.Strings(caught[k.Name])
		t.Logf("%s: %s", k.Name, strings.Join(caught[k.Name], ", "))
	}
}
