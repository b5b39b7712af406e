package middleware_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// large is more than the sockets' buffers of both sides take, in bytes.
const large = 64 << 20

// holes makes a file of large zeros, of which no disk holds any.
func holes(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, large); err != nil {
		t.Fatal(err)
	}
	return name
}

// ways are the ways by which a handler sends much.
func ways(t *testing.T) map[string]http.HandlerFunc {
	name := holes(t)
	file := func(w http.ResponseWriter, send func(*os.File) error) {
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if err := send(f); err == nil {
			t.Error("all of it was sent")
		}
	}
	return map[string]http.HandlerFunc{
		"file": func(w http.ResponseWriter, _ *http.Request) {
			file(w, func(f *os.File) error { _, err := io.Copy(w, f); return err })
		},
		"part of a file": func(w http.ResponseWriter, _ *http.Request) {
			file(w, func(f *os.File) error { _, err := io.CopyN(w, f, large-1); return err })
		},
		"declared": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) },
		"reader":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, zeros{}) },
		"reader, nothing kept": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.Copy(w, zeros{})
		},
		"writes": func(w http.ResponseWriter, _ *http.Request) {
			for b := make([]byte, 32<<10); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		},
	}
}

// However a handler sends, the entry says that the client went away, or that it was too
// slow.
func TestBrokenDownloads(t *testing.T) {
	for name, h := range ways(t) {
		for _, proto := range []string{"h1", "h1 tls", "h2"} {
			t.Run(name+"/"+proto+"/reset", func(t *testing.T) {
				t.Parallel()
				s, conns, rec := download(t, proto, h)
				res, err := s.Client().Do(request(t, "GET", s.URL, nil))
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if _, err := io.CopyN(io.Discard, res.Body, 1<<20); err != nil {
					t.Error(err)
				}
				conn := <-conns
				if err := conn.SetLinger(0); err != nil {
					t.Error(err)
				}
				conn.Close()
				wantBroken(t, rec.one(t), proto, "WARNING client_aborted client_aborted")
			})
			if proto == "h1 tls" && name != "declared" {
				continue // net/http waits 5 s before a chunked one is over
			}
			t.Run(name+"/"+proto+"/too slow", func(t *testing.T) {
				t.Parallel()
				s, conns, rec := download(t, proto, func(w http.ResponseWriter, r *http.Request) {
					// As the server's WriteTimeout, which counts the handshake too.
					if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
						t.Error(err)
					}
					h(w, r)
				})
				left := make(chan struct{})
				go func() {
					defer close(left)
					if res, err := s.Client().Do(request(t, "GET", s.URL, nil)); err == nil {
						t.Cleanup(func() { res.Body.Close() })
					}
				}()
				conn := <-conns
				e := rec.one(t)
				conn.Close() // what TLS says at the end would wait for a reader
				<-left
				wantBroken(t, e, proto, "ERROR write_timeout")
			})
		}
	}
}

// download serves h, of whose clients it returns the connections.
func download(t *testing.T, proto string, h http.HandlerFunc) (*httptest.Server, <-chan *net.TCPConn, *recorded) {
	t.Helper()
	wrap, rec := recording(t, middleware.Options{})
	s := httptest.NewUnstartedServer(wrap(h))
	s.Config.ErrorLog = discardLog
	s.EnableHTTP2 = proto == "h2"
	if proto == "h1" {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	conns := make(chan *net.TCPConn, 1)
	s.Client().Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			conns <- conn.(*net.TCPConn)
		}
		return conn, err
	}
	return s, conns, rec
}

func wantBroken(t *testing.T, e *entry.Entry, proto, outcome string) {
	t.Helper()
	if (proto == "h2") != (e.HTTP.Protocol == "HTTP/2.0") {
		t.Errorf("spoke %s", e.HTTP.Protocol)
	}
	if outcomeOf(e) != outcome || e.HTTP.Status != 200 || e.Response.Body.Size >= large-1 {
		t.Errorf("recorded %d %q %q, %d bytes, want %q", e.HTTP.Status, outcomeOf(e), e.Error.Message, e.Response.Body.Size, outcome)
	}
}
