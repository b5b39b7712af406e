package outbound_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// bodies of the given size, of each kind that net/http treats apart. The first ones lie
// in memory or in a file.
func bodies(t testing.TB, size int) map[string]io.Reader {
	t.Helper()
	name := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, int64(size)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return map[string]io.Reader{
		"bytes.Buffer":   bytes.NewBuffer(make([]byte, size)),
		"bytes.Reader":   bytes.NewReader(make([]byte, size)),
		"strings.Reader": strings.NewReader(strings.Repeat("x", size)),
		"os.File":        f,
		"another":        onlyReader{bytes.NewReader(make([]byte, size))},
	}
}

// A server that refuses a request by its head gets no body, whatever the body is.
func TestExpectRefused(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			http.Error(w, "no", http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer srv.Close()
	plain := base(t)
	plain.ExpectContinueTimeout = time.Minute
	for _, path := range []string{"/no", "/yes"} {
		want := entry.Body{Size: 1000}
		if path == "/no" {
			want = entry.Body{Reason: "not sent", Truncated: true}
		}
		for name, body := range bodies(t, 1000) {
			rec := newRecorder(t)
			req := request(t, t.Context(), http.MethodPut, srv.URL+path, body)
			req.ContentLength = 1000
			req.Header.Set("Expect", "100-continue")
			resp, err := rec.transport(t, plain, nil).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			drain(t, resp)
			b := rec.only(t).Request.Body
			if b.Size != want.Size || b.Reason != want.Reason || b.Truncated != want.Truncated || len(b.Raw) != int(want.Size) {
				t.Errorf("%s, %s: %d bytes, %d kept, reason %q, truncated %v; want %d and %q", path, name, b.Size, len(b.Raw), b.Reason, b.Truncated, want.Size, want.Reason)
			}
		}
	}
}

// What a server has answered before it was there is not said to have been sent; the size
// up to which an answer is believed is far below.
func TestAnsweredBeforeTheEnd(t *testing.T) {
	const size = 64 << 20 // more than the connection's buffers take
	for _, secure := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			http.Error(w, "no", http.StatusRequestEntityTooLarge)
		}))
		srv.Config.ErrorLog = discardLog()
		srv.EnableHTTP2 = secure
		if secure {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		t.Cleanup(srv.Close)
		for name, body := range bodies(t, size) {
			rec := newRecorder(t)
			req := request(t, t.Context(), http.MethodPut, srv.URL, body)
			req.ContentLength = size
			resp, err := rec.transport(t, srv.Client().Transport, nil).RoundTrip(req)
			if err == nil { // else the connection was closed first
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			b := rec.only(t).Request.Body
			unsure := name != "another" && !secure && b.Size == -1 && b.Reason == "not known if sent"
			ended := b.Size < size && (b.Reason == "not sent to its end" || b.Reason == "not sent" && b.Size == 0)
			if !b.Truncated || !unsure && !ended {
				t.Errorf("TLS %v, %s: %d bytes, reason %q, truncated %v (%v)", secure, name, b.Size, b.Reason, b.Truncated, err)
			}
		}
	}
}

// Bodies of all sizes around the buffer that net/http writes from are known to have been
// sent, by each kind of connection, although the answer may overtake the hook.
func TestSentToTheEnd(t *testing.T) {
	for _, proto := range []string{"HTTP/1", "HTTP/1 over TLS", "HTTP/2", "HTTP/2 without TLS"} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		plain := base(t)
		switch proto {
		case "HTTP/1":
			srv.Start()
		case "HTTP/2 without TLS":
			plain.Protocols = new(http.Protocols)
			plain.Protocols.SetUnencryptedHTTP2(true)
			srv.Config.Protocols = plain.Protocols
			srv.Start()
		default:
			srv.EnableHTTP2 = proto == "HTTP/2"
			srv.StartTLS()
			plain = srv.Client().Transport.(*http.Transport)
		}
		t.Cleanup(srv.Close)
		for _, size := range []int{1, 3000, 3500, 4096, 5000, 60000, 100000} {
			for range 4 {
				for name, body := range bodies(t, size) {
					rec := newRecorder(t)
					req := request(t, t.Context(), http.MethodPut, srv.URL, body)
					req.ContentLength = int64(size)
					resp, err := rec.transport(t, plain, nil).RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					drain(t, resp)
					b := rec.only(t).Request.Body
					if (name == "os.File" || name != "another" && size > 64<<10) && proto == "HTTP/1" && b.Size == -1 && b.Reason == "not known if sent" {
						continue // answered before the write returned
					}
					if b.Size != int64(size) || len(b.Raw) != min(size, 64<<10) || b.Truncated != (size > 64<<10) || b.Truncated != (b.Reason == "capture limit") {
						t.Errorf("%s, %s: %d of %d bytes, %d kept, reason %q, truncated %v", proto, name, b.Size, size, len(b.Raw), b.Reason, b.Truncated)
					}
				}
			}
		}
	}
}

// An answer that is there before net/http tells that the request was written proves that a
// small body in memory was sent, and nothing of another.
func TestAnsweredBeforeTheHook(t *testing.T) {
	const large = 64 << 10
	for _, c := range []struct {
		name, scheme string
		size         int
		fails        bool
		sent         int64
		reason       string
	}{
		{"bytes.Reader", "http", 1000, false, 1000, ""},
		{"bytes.Reader", "https", 1000, false, 1000, ""},
		{"bytes.Buffer", "https", large - 1, false, large - 1, ""},
		{"strings.Reader", "http", large, false, -1, "not known if sent"},
		{"strings.Reader", "https", large, false, 0, "not sent"}, // wrapped, and nobody read it
		{"os.File", "http", 1000, false, -1, "not known if sent"},
		{"bytes.Reader", "http", 1000, true, -1, "not sent to its end"},
		{"bytes.Reader", "https", 1000, true, -1, "not sent to its end"},
	} {
		rec := newRecorder(t)
		tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			w := hooksOf(r)
			w.got()
			if c.fails {
				w.wrote(errors.New("broken pipe"))
			}
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		}), nil)
		req := request(t, t.Context(), http.MethodPost, c.scheme+"://core/", bodies(t, c.size)[c.name])
		req.ContentLength = int64(c.size)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if b := rec.only(t).Request.Body; b.Size != c.sent || b.Reason != c.reason || b.Truncated != (c.reason != "") {
			t.Errorf("%s of %d bytes, %s, failed %v: %d bytes, reason %q, truncated %v; want %d and %q", c.name, c.size, c.scheme, c.fails, b.Size, b.Reason, b.Truncated, c.sent, c.reason)
		}
	}
}

// A call that breaks off while its request is being written.
func TestBrokenOffWhileSending(t *testing.T) {
	for _, secure := range []bool{false, true} {
		scheme, rest := "http", "not sent to its end"
		if secure {
			scheme, rest = "https", "not known if sent" // that may be HTTP/2, which tells later
		}
		for _, c := range []struct {
			name   string
			hooks  func(w *writes)
			size   int64
			reason string
		}{
			{"written", func(w *writes) { w.got(); w.wrote(nil) }, 4, ""},
			{"failed", func(w *writes) { w.got(); w.wrote(errors.New("broken pipe")) }, -1, "not sent to its end"},
			{"still writing", func(w *writes) { w.got() }, -1, rest},
			{"on a second connection", func(w *writes) { w.got(); w.wrote(errors.New("broken pipe")); w.got(); w.wrote(nil) }, 4, ""},
			{"no connection", func(*writes) {}, 0, "not sent"},
		} {
			rec := newRecorder(t)
			tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				c.hooks(hooksOf(r))
				return nil, errors.New("gone")
			}), nil)
			if _, err := tr.RoundTrip(request(t, t.Context(), http.MethodPost, scheme+"://core/", strings.NewReader("text"))); err == nil {
				t.Fatal("no error")
			}
			if b := rec.only(t).Request.Body; b.Size != c.size || b.Reason != c.reason || b.Truncated != (c.reason != "") || string(b.Raw) != "text" {
				t.Errorf("%s, %s: %d bytes, reason %q, truncated %v, %q", scheme, c.name, b.Size, b.Reason, b.Truncated, b.Raw)
			}
		}
	}
}

// writes calls a request's hooks as net/http does.
type writes struct{ trace *httptrace.ClientTrace }

func hooksOf(r *http.Request) *writes { return &writes{httptrace.ContextClientTrace(r.Context())} }

func (w *writes) got() { w.trace.GotConn(httptrace.GotConnInfo{}) }

func (w *writes) wrote(err error) { w.trace.WroteRequest(httptrace.WroteRequestInfo{Err: err}) }
