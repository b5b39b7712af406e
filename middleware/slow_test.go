package middleware_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// A client that is too slow did not go away, one that breaks off what it sends did, and
// the entry tells the two from a body that makes no sense.
func TestBrokenUploads(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
	impatient := func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		refuse(w, r)
	}
	const part = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"
	for name, c := range map[string]struct {
		h       http.HandlerFunc
		timeout time.Duration // the server's ReadTimeout
		sent    string
		closed  bool
		status  int
		want    string
	}{
		"server's limit":  {refuse, 20 * time.Millisecond, part, false, 400, "WARNING read_timeout request_body_unread"},
		"handler's limit": {impatient, 0, part, false, 400, "WARNING read_timeout request_body_unread"},
		"not an error":    {func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }, 20 * time.Millisecond, part, false, 200, "ERROR read_timeout request_body_unread"},
		"half closed":     {refuse, 0, part, true, 400, "WARNING client_aborted request_body_unread client_aborted"},
		"senseless": {
			refuse, 0, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", false,
			400, "WARNING bad_request_body request_body_unread",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrap, rec := recording(t, middleware.Options{})
			s := httptest.NewUnstartedServer(wrap(c.h))
			s.Config.ReadTimeout = c.timeout
			s.Start()
			defer s.Close()
			conn := raw(t, s, c.sent)
			if c.closed {
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			// It is answered in each case.
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			e := rec.one(t)
			if res.StatusCode != c.status || e.HTTP.Status != c.status || outcomeOf(e) != c.want {
				t.Errorf("answered %d, recorded %d %q %q, want %d %q", res.StatusCode, e.HTTP.Status, outcomeOf(e), e.Error.Message, c.status, c.want)
			}
			if b := e.Request.Body; b.Size != 3 && b.Size != -1 && b.Size != 10 || !b.Truncated {
				t.Errorf("body %+v", b)
			}
		})
	}
}

// A client that takes an answer too slowly is cut off by the server.
func TestSlowReader(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	s := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for b := make([]byte, 1<<20); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})))
	s.Config.WriteTimeout = 50 * time.Millisecond
	s.Start()
	defer s.Close()
	raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if e := rec.one(t); e.Error.Type != "write_timeout" || e.HasFlag(entry.FlagAborted) {
		t.Errorf("%q", outcomeOf(e))
	}
}
