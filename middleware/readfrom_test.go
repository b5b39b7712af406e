package middleware_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/txtrail/txtrail/middleware"
)

// failing yields its text, then err; and panics without one.
type failing struct {
	text io.Reader
	err  error
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.text.Read(p)
	if err == io.EOF {
		if f.err == nil {
			panic("no error")
		}
		err = f.err
	}
	return n, err
}

// A source that fails is no client that failed, and what the handler answers instead is
// the answer.
func TestFailingSource(t *testing.T) {
	// As another connection has it.
	reset := &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	late := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	long := strings.Repeat("x", 10_000)
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for _, c := range []struct {
		name    string
		src     io.Reader
		ctype   string
		status  int
		outcome string
		kept    string
	}{
		{"reset at once", failing{strings.NewReader(""), reset}, "text/plain", 502, "ERROR", "instead"},
		{"late at once", failing{strings.NewReader(""), late}, "image/png", 502, "ERROR", "instead"},
		{"empty", struct{ io.Reader }{strings.NewReader("")}, "image/png", 502, "ERROR", "instead"},
		{"no file", folder, "image/png", 502, "ERROR", "instead"},
		{"reset", failing{strings.NewReader(long), reset}, "text/plain", 200, "INFO", long},
		{"late", failing{strings.NewReader(long), late}, "text/plain", 200, "INFO", long},
		{"reset, nothing kept", failing{strings.NewReader(long), reset}, "image/png", 200, "INFO", ""},
		{"panic at once", failing{text: strings.NewReader("")}, "text/plain", 0, "CRITICAL panic panic", ""},
		{"panic", failing{text: strings.NewReader(long)}, "text/plain", 200, "CRITICAL panic panic", long},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.ctype)
				if n, err := io.Copy(w, c.src); n == 0 {
					w.Header().Set("Content-Type", "text/plain")
					w.Header().Set("Cache-Control", "public, max-age=60")
					w.WriteHeader(http.StatusBadGateway)
					_, _ = io.WriteString(w, "instead")
				} else if f, ok := c.src.(failing); ok && !errors.Is(err, f.err) {
					t.Errorf("the copy returned %v, want %v", err, f.err)
				}
			})
			s.Config.ErrorLog = discardLog
			res, err := s.Client().Do(request(t, "GET", s.URL, nil))
			e := rec.one(t)
			if e.HTTP.Status != c.status || outcomeOf(e) != c.outcome || string(e.Response.Body.Raw) != c.kept {
				t.Errorf("recorded %d %q with %.20q, want %d %q with %.20q", e.HTTP.Status, outcomeOf(e), e.Response.Body.Raw, c.status, c.outcome, c.kept)
			}
			if err != nil {
				if e.Error.Type != "panic" {
					t.Error(err)
				}
				return
			}
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			if res.StatusCode != c.status || int(e.Response.Body.Size) != len(got) || err != nil != (e.Error.Type == "panic") {
				t.Errorf("answered %d with %d bytes, %v, recorded %d with %d", res.StatusCode, len(got), err, e.HTTP.Status, e.Response.Body.Size)
			}
			// Two users must not get one ID out of a cache.
			if id := res.Header.Get("X-Transaction-Id"); (id == "") != (c.status == 502) {
				t.Errorf("answered %d with the ID %q", c.status, id)
			}
		})
	}
}

// The first byte has gone out when the source had one, and not when it was asked.
func TestFirstByteOfASlowSource(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1e9, 0)
	s, rec := serve(t, middleware.Options{Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, struct{ io.Reader }{io.MultiReader(waiting(func() {
			mu.Lock()
			now = now.Add(time.Second)
			mu.Unlock()
		}), bytes.NewReader(make([]byte, 10_000)))})
	})
	do(t, s.Client(), request(t, "GET", s.URL, nil))
	if got := rec.one(t).Timings.FirstByte; got != time.Second {
		t.Errorf("the first byte after %s, want 1s", got)
	}
}

// waiting yields nothing, after a while.
type waiting func()

func (f waiting) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// failingConn is a server's connection of which the kernel says how a file ended.
type failingConn struct {
	net.Conn
	err error
}

func (c failingConn) ReadFrom(io.Reader) (int64, error) { return 0, c.err }

type failingListener struct {
	net.Listener
	err error
}

func (l failingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return failingConn{c, l.err}, nil
}

// One error of one system call tells of the file and of the connection. Where a file can
// not have it, it is the client's.
func TestErrorsOfSendfile(t *testing.T) {
	sendfile := func(err error) error {
		return &net.OpError{Op: "readfrom", Net: "tcp", Err: os.NewSyscallError("sendfile", err)}
	}
	name := filepath.Join(t.TempDir(), "f.txt")
	if err := os.WriteFile(name, make([]byte, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(t *testing.T) io.Reader {
		t.Helper()
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return nil
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	sources := map[string]func(t *testing.T) io.Reader{
		"file":           file,
		"part of a file": func(t *testing.T) io.Reader { t.Helper(); return io.LimitReader(file(t), 5000) },
		"pipe": func(t *testing.T) io.Reader {
			t.Helper()
			r, w, err := os.Pipe()
			if err != nil {
				t.Error(err)
				return nil
			}
			t.Cleanup(func() { r.Close() })
			_, _ = w.Write(make([]byte, 4096))
			w.Close()
			return r
		},
	}
	for _, c := range []struct {
		err        error
		file, pipe string
	}{
		{sendfile(syscall.EPIPE), "client_aborted", "client_aborted"},
		{sendfile(connReset), "client_aborted", ""},
		{sendfile(connTimedOut), "client_aborted", ""},
		{sendfile(os.ErrDeadlineExceeded), "write_timeout", ""},
		{sendfile(net.ErrClosed), "client_aborted", ""},
		{sendfile(syscall.EIO), "", ""},
		{&os.PathError{Op: "read", Path: name, Err: connTimedOut}, "", ""}, // a network's file system
	} {
		for from, open := range sources {
			t.Run(fmt.Sprintf("%s/%v", from, c.err), func(t *testing.T) {
				wrap, rec := recording(t, middleware.Options{})
				s := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", "5000") // else it is sent in chunks, past ReadFrom
					w.WriteHeader(http.StatusOK)
					_, _ = io.WriteString(w, "xx")
					_ = http.NewResponseController(w).Flush()
					_, err := io.Copy(w, open(t))
					if !errors.Is(err, c.err) {
						t.Errorf("the copy returned %v", err)
					}
					_, _ = io.WriteString(w, strings.Repeat("x", 5000-2)) // so that it is not too short
				})))
				s.Listener = failingListener{s.Listener, c.err}
				s.Start()
				defer s.Close()
				do(t, s.Client(), request(t, "GET", s.URL, nil))
				want := c.file
				if from == "pipe" {
					want = c.pipe
				}
				if e := rec.one(t); e.Error.Type != want {
					t.Errorf("recorded %q %q, want %q", outcomeOf(e), e.Error.Message, want)
				}
			})
		}
	}
}
