package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
)

// A body that can not be read is not the fault of the host that was called, whatever its
// error is made of.
func TestRequestBodyFails(t *testing.T) {
	errGone := errors.New("disk gone")
	for _, secure := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		srv.Config.ErrorLog = discardLog()
		srv.EnableHTTP2 = secure
		if secure {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		t.Cleanup(srv.Close)
		for _, c := range []struct {
			name   string
			body   io.Reader
			length int64
			reason string
		}{
			{"its reader fails", &failingReader{"text", errGone}, -1, "not sent to its end"},
			{"of a known length", &failingReader{"text", errGone}, 10, "not sent to its end"},
			{"as a connection does", &failingReader{"text", fmt.Errorf("from the store: %w", syscall.ECONNREFUSED)}, -1, "not sent to its end"},
			{"shorter than declared", onlyReader{strings.NewReader("text")}, 10, ""},
		} {
			rec := newRecorder(t)
			req := request(t, t.Context(), http.MethodPost, srv.URL, c.body)
			req.ContentLength = c.length
			resp, err := rec.transport(t, srv.Client().Transport, nil).RoundTrip(req)
			if err == nil && secure && c.reason == "" {
				_ = resp.Body.Close() // over HTTP/2 that is the server's to find
				continue
			}
			if err == nil {
				_ = resp.Body.Close()
				t.Fatalf("TLS %v, %s: no error", secure, c.name)
			}
			e := rec.only(t)
			b := e.Request.Body
			if e.Error.Type != entry.ErrorRequestBody || b.Reason != c.reason || b.Size != 4 {
				t.Errorf("TLS %v, %s: %s: %q, body of %d bytes, %q; want %q (%v)", secure, c.name, e.Error.Type, e.Error.Message, b.Size, b.Reason, c.reason, err)
			}
			if !strings.HasPrefix(e.Error.Message, "the body to be sent could not be read: ") {
				t.Errorf("%s: %q", c.name, e.Error.Message)
			}
		}
		// Who gives up says so, although the body fails of it.
		rec := newRecorder(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := rec.transport(t, srv.Client().Transport, nil).RoundTrip(request(t, ctx, http.MethodPost, srv.URL, readerFunc(func([]byte) (int, error) {
			cancel()
			return 0, context.Canceled
		})))
		if e := rec.only(t); err == nil || e.Error.Type != entry.ErrorCanceled {
			t.Errorf("TLS %v: %s, %v", secure, e.Error.Type, err)
		}
		cancel()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A body that is to be sent again, and can not be had again.
func TestRequestBodyIsNotToBeHadAgain(t *testing.T) {
	rec := newRecorder(t)
	tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		_, _ = io.ReadAll(r.Body)
		_, err := r.GetBody()
		return nil, err
	}), nil)
	req := request(t, t.Context(), http.MethodPost, "http://core/", onlyReader{strings.NewReader("text")})
	req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("no way back") }
	if _, err := tr.RoundTrip(req); err == nil {
		t.Fatal("no error")
	}
	if e := rec.only(t); e.Error.Type != entry.ErrorRequestBody || !strings.Contains(e.Error.Message, "no way back") {
		t.Errorf("%+v", e.Error)
	}
}

// A transport that returns nothing at all has failed the call, which http.Client says.
func TestNoResponseAndNoError(t *testing.T) {
	rec := newRecorder(t)
	silent := roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	resp, err := rec.transport(t, silent, nil).RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/", nil))
	if resp != nil || err != nil {
		t.Errorf("%v, %v", resp, err)
	}
	if e := rec.only(t); e.Error.Type != entry.ErrorOther || !strings.Contains(e.Error.Message, "neither a response nor an error") || e.HTTP.Status != 0 {
		t.Errorf("%+v", e)
	}
}

// A redirect to what is no URL fails in http.Client, before anybody is asked. A transport
// alone follows none.
func TestLocationThatIsNoURL(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Location"] = []string{r.URL.Query().Get("to")}
		status := http.StatusFound
		if r.URL.Path == "/again" {
			status = http.StatusTemporaryRedirect
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "moved")
	}))
	defer srv.Close()
	for _, c := range []struct {
		name, method, path string
		body               io.Reader
		alone, fails       bool
	}{
		{"a client", "GET", "/?to=:%2F%2Fbad", nil, false, true},
		{"a body that can be sent again", "POST", "/again?to=:%2F%2Fbad", strings.NewReader("text"), false, true},
		{"a body that can not", "POST", "/again?to=:%2F%2Fbad", onlyReader{strings.NewReader("text")}, false, false},
		{"none", "GET", "/?to=", nil, false, false},
		{"a transport alone", "GET", "/?to=:%2F%2Fbad", nil, true, false},
	} {
		rec := newRecorder(t)
		client, err := outbound.Wrap(&http.Client{Transport: base(t)}, rec.queue, rec.options())
		if err != nil {
			t.Fatal(err)
		}
		do := client.Do
		if c.alone {
			do = rec.transport(t, base(t), nil).RoundTrip
		}
		resp, err := do(request(t, t.Context(), c.method, srv.URL+c.path, c.body))
		if (err != nil) != c.fails {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err == nil {
			drain(t, resp)
		}
		e := rec.only(t)
		if failed := e.Error.Type == entry.ErrorRedirect; failed != c.fails || e.HTTP.Status/100 != 3 || failed && !strings.Contains(e.Error.Message, "redirect not followed: ") {
			t.Errorf("%s: %+v, %q", c.name, e.Error, e.Message)
		}
	}
}
