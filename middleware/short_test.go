package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/middleware"
)

// A response that ends before its Content-Length is cut off by the server, whatever the
// handler thinks; where something else ended it, that is told instead.
func TestShortResponse(t *testing.T) {
	write := func(w http.ResponseWriter, n int) { _, _ = io.WriteString(w, strings.Repeat("x", n)) }
	for _, c := range []struct {
		name, method, declared string
		status                 int
		h                      func(w http.ResponseWriter, r *http.Request)
		outcome, message       string
		broken                 bool
	}{
		{
			"short", "GET", "100000", 200, func(w http.ResponseWriter, _ *http.Request) { write(w, 5000) },
			"ERROR short_response", "5000 bytes were written of the 100000 that Content-Length declares", true,
		},
		{
			"nothing", "GET", "10", 200, func(http.ResponseWriter, *http.Request) {},
			"ERROR short_response", "0 bytes were written of the 10 that Content-Length declares", true,
		},
		{
			"failed", "GET", "10", 404, func(w http.ResponseWriter, _ *http.Request) { write(w, 9) },
			"WARNING short_response", "9 bytes were written of the 10 that Content-Length declares", true,
		},
		{"source", "GET", "10", 200, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, failing{strings.NewReader("half"), io.ErrUnexpectedEOF})
		}, "ERROR short_response", "4 bytes were written of the 10 that Content-Length declares", true},
		{"too much at last", "GET", "10", 200, func(w http.ResponseWriter, _ *http.Request) {
			write(w, 4)
			if n, err := w.Write(make([]byte, 7)); n != 0 || !errors.Is(err, http.ErrContentLength) {
				t.Errorf("wrote %d, %v", n, err)
			}
		}, "ERROR short_response", "4 bytes were written of the 10 that Content-Length declares", true},
		{"as declared", "GET", "10", 200, func(w http.ResponseWriter, _ *http.Request) { write(w, 10) }, "INFO", "", false},
		{"copied as declared", "GET", "10", 200, func(w http.ResponseWriter, _ *http.Request) {
			write(w, 1)
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("012345678")})
		}, "INFO", "", false},
		{"not declared", "GET", "", 200, func(w http.ResponseWriter, _ *http.Request) { write(w, 5000) }, "INFO", "", false},
		{"no number", "GET", "many", 200, func(w http.ResponseWriter, _ *http.Request) { write(w, 5000) }, "INFO", "", false},
		{"HEAD", "HEAD", "100", 200, func(http.ResponseWriter, *http.Request) {}, "INFO", "", false},
		{"204", "GET", "100", 204, func(http.ResponseWriter, *http.Request) {}, "INFO", "", false},
		{"304", "GET", "100", 304, func(http.ResponseWriter, *http.Request) {}, "INFO", "", false},
		{"panic", "GET", "10", 200, func(w http.ResponseWriter, _ *http.Request) {
			write(w, 4)
			panic("boom")
		}, "CRITICAL panic panic", "string: boom", true},
		{"broken off", "GET", "10", 200, func(w http.ResponseWriter, _ *http.Request) {
			write(w, 4)
			panic(http.ErrAbortHandler)
		}, "WARNING handler_aborted", "the handler broke the response off: net/http: abort Handler", true},
		{"told", "GET", "10", 200, func(w http.ResponseWriter, r *http.Request) {
			write(w, 4)
			middleware.SetError(r.Context(), io.ErrNoProgress)
		}, "ERROR *errors.errorString", io.ErrNoProgress.Error(), true},
	} {
		for _, h2 := range []bool{false, true} {
			if h2 && (c.status == 204 || c.status == 304 || c.name == "too much at last") {
				continue // net/http's own h2 fails its client there, and takes too much
			}
			t.Run(c.name+map[bool]string{false: "/h1", true: "/h2"}[h2], func(t *testing.T) {
				t.Parallel()
				wrap, rec := recording(t, middleware.Options{})
				s := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if c.declared != "" {
						w.Header().Set("Content-Length", c.declared)
					}
					if c.status != 200 {
						w.WriteHeader(c.status)
					}
					c.h(w, r)
				})))
				s.Config.ErrorLog = discardLog
				s.EnableHTTP2 = h2
				s.StartTLS()
				defer s.Close()
				res, err := s.Client().Do(request(t, c.method, s.URL, nil))
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				if (err != nil) != c.broken {
					t.Errorf("the client got the error %v", err)
				}
				e := rec.one(t)
				if outcomeOf(e) != c.outcome || e.Error.Message != c.message {
					t.Errorf("recorded %q %q, want %q %q", outcomeOf(e), e.Error.Message, c.outcome, c.message)
				}
				if strings.Contains(e.Message, "short_response") != (e.Error.Type == "short_response") {
					t.Errorf("its line is %q", e.Message)
				}
			})
		}
	}
}

// Who has gone can not be sent the rest.
func TestShortForNobody(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	c := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	_, _ = c.Read(make([]byte, 10))
	c.Close()
	if e := rec.one(t); outcomeOf(e) != "WARNING client_aborted client_aborted" {
		t.Errorf("recorded %q %q", outcomeOf(e), e.Error.Message)
	}
}
