package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
)

// echo answers with what it got.
func echo(t testing.TB) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(srv.Close)
	return srv
}

type onlyReader struct{ io.Reader }

type onlyReadCloser struct {
	io.Reader
	closed atomic.Bool
}

func (b *onlyReadCloser) Close() error { b.closed.Store(true); return nil }

func TestRequestBodies(t *testing.T) {
	srv := echo(t)
	const text = "0123456789"
	file := filepath.Join(t.TempDir(), "body.txt")
	if err := os.WriteFile(file, []byte("head"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	part := strings.NewReader("skip" + text)
	if _, err := part.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	buf := bytes.NewBufferString("skip" + text)
	buf.Next(4)
	reader := bytes.NewReader([]byte("skip" + text))
	if _, err := reader.ReadByte(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		body io.Reader
		same bool // the base must get the very body
		max  int
		want entry.Body
	}{
		{name: "nil", body: nil, same: true, want: entry.Body{}},
		{name: "NoBody", body: http.NoBody, same: true, want: entry.Body{}},
		{name: "an empty buffer", body: &bytes.Buffer{}, same: true, want: entry.Body{}},
		{name: "strings.Reader", body: part, same: true, want: entry.Body{Raw: []byte(text), Size: 10}},
		{name: "bytes.Reader", body: reader, same: true, want: entry.Body{Raw: []byte(text), Size: 10}},
		{name: "bytes.Buffer", body: buf, same: true, want: entry.Body{Raw: []byte(text), Size: 10}},
		{name: "os.File of unknown length", body: f, want: entry.Body{Raw: []byte(text), Size: 10}}, // chunked, without sendfile
		{name: "another reader", body: onlyReader{strings.NewReader(text)}, want: entry.Body{Raw: []byte(text), Size: 10}},
		{name: "another ReadCloser", body: &onlyReadCloser{Reader: strings.NewReader(text)}, want: entry.Body{Raw: []byte(text), Size: 10}},
		{name: "an empty reader", body: onlyReader{strings.NewReader("")}, want: entry.Body{}},
		{name: "in memory above the limit", body: strings.NewReader(text), same: true, max: 4, want: entry.Body{Raw: []byte("0123"), Size: 10, Truncated: true, Reason: "capture limit"}},
		{name: "streamed above the limit", body: onlyReader{strings.NewReader(text)}, max: 4, want: entry.Body{Raw: []byte("0123"), Size: 10, Truncated: true, Reason: "capture limit"}},
		{name: "in memory, capture off", body: strings.NewReader(text), same: true, max: -1, want: entry.Body{Size: 10, Truncated: true, Reason: "capture off"}},
		{name: "streamed, capture off", body: onlyReader{strings.NewReader(text)}, max: -1, want: entry.Body{Size: 10, Truncated: true, Reason: "capture off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := newRecorder(t)
			var sent io.ReadCloser
			plain := base(t)
			tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = r.Body
				return plain.RoundTrip(r)
			}), &outbound.Options{MaxBody: c.max})
			req := request(t, t.Context(), http.MethodPost, srv.URL, c.body)
			req.Header.Set("Content-Type", "text/plain")
			body := req.Body
			resp, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			got := drain(t, resp)
			if want := c.want.Size; int64(len(got)) != want {
				t.Errorf("the server got %d bytes, want %d", len(got), want)
			}
			if req.Body != body {
				t.Error("the caller's request has another body")
			}
			if same := sent == body; same != c.same {
				t.Errorf("the base got the caller's very body: %v, want %v", same, c.same)
			}
			e := rec.only(t)
			b := e.Request.Body
			if string(b.Raw) != string(c.want.Raw) || b.Size != c.want.Size || b.Truncated != c.want.Truncated || b.Reason != c.want.Reason || b.Type != "text/plain" {
				t.Errorf("request body %+v, want %+v", b, c.want)
			}
		})
	}
	rc := &onlyReadCloser{Reader: strings.NewReader("x")}
	rec := newRecorder(t)
	resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, t.Context(), http.MethodPost, srv.URL, rc))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if !rc.closed.Load() {
		t.Error("the caller's body was not closed")
	}
}

func TestBinaryBodiesAreSizesOnly(t *testing.T) {
	srv := echo(t)
	for _, body := range []io.Reader{strings.NewReader("\x89PNG"), onlyReader{strings.NewReader("\x89PNG")}} {
		rec := newRecorder(t)
		req := request(t, t.Context(), http.MethodPut, srv.URL, body)
		req.Header.Set("Content-Type", "image/png")
		resp, err := rec.transport(t, base(t), nil).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
		e := rec.only(t)
		for _, b := range []entry.Body{e.Request.Body, e.Response.Body} {
			if b.Raw != nil || b.Size != 4 || b.Reason != "binary" || !b.Truncated {
				t.Errorf("body %+v", b)
			}
		}
	}
}

// A piece from the middle of something can not be sanitized, so it is not shown.
func TestPiecesAreSizesOnly(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", r.Header.Get("X-Range"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.Copy(w, r.Body)
	}))
	defer srv.Close()
	const piece = `ter2-hunter2","a":1}`
	for _, c := range []struct {
		contentRange string
		whole        bool
	}{{"bytes 20-39/40", false}, {"items 20-39/40", true}} {
		rec := newRecorder(t)
		req := request(t, t.Context(), http.MethodPut, srv.URL, strings.NewReader(piece))
		req.Header.Set("Content-Range", c.contentRange)
		req.Header.Set("X-Range", c.contentRange)
		resp, err := rec.transport(t, base(t), nil).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t, resp); got != piece {
			t.Errorf("got %q", got)
		}
		e := rec.only(t)
		for _, b := range []entry.Body{e.Request.Body, e.Response.Body} {
			if shown := len(b.Raw) > 0; shown != c.whole || b.Truncated == c.whole || b.Size != int64(len(piece)) || (b.Reason == "partial content") == c.whole {
				t.Errorf("%s: %+v", c.contentRange, b)
			}
		}
	}
}

func TestUnsentBody(t *testing.T) {
	rec := newRecorder(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	tr := rec.transport(t, base(t), nil)
	for i, body := range []io.Reader{strings.NewReader("text"), onlyReader{strings.NewReader("text")}} {
		if _, err := tr.RoundTrip(request(t, t.Context(), http.MethodPost, "http://"+ln.Addr().String(), body)); err == nil {
			t.Fatal("no error")
		}
		b := rec.wait(t, i+1)[i].Request.Body
		if b.Size != 0 || b.Reason != "not sent" {
			t.Errorf("%T: %+v", body, b)
		}
	}
}

func TestRequestTrailersSetWhileSending(t *testing.T) {
	got := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer.Get("X-Sum")
	}))
	defer srv.Close()
	rec := newRecorder(t)
	req := request(t, t.Context(), http.MethodPost, srv.URL, nil)
	req.Trailer = http.Header{"X-Sum": nil}
	req.ContentLength = -1
	req.Body = io.NopCloser(&atEOF{Reader: strings.NewReader("text"), then: func() { req.Trailer.Set("X-Sum", "42") }})
	resp, err := rec.transport(t, base(t), nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if sum := <-got; sum != "42" {
		t.Errorf("trailer %q", sum)
	}
	if ts := rec.only(t).Request.Trailers; len(ts) != 1 || ts[0] != (entry.Header{Name: "X-Sum", Value: "42"}) {
		t.Errorf("recorded trailers %v", ts)
	}
}

// Over HTTP/2 the answer may have been read whole before the goroutine that writes the
// request tells that it has; this base never tells.
func TestRequestTrailersWithoutTrace(t *testing.T) {
	rec := newRecorder(t)
	silent := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, err
	})
	req := request(t, t.Context(), http.MethodPost, "http://127.0.0.1/", nil)
	req.Trailer = http.Header{"X-Sum": nil}
	req.Body = io.NopCloser(&atEOF{Reader: strings.NewReader("text"), then: func() { req.Trailer.Set("X-Sum", "42") }})
	resp, err := rec.transport(t, silent, nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if ts := rec.only(t).Request.Trailers; len(ts) != 1 || ts[0] != (entry.Header{Name: "X-Sum", Value: "42"}) {
		t.Errorf("recorded trailers %v", ts)
	}
}

// atEOF calls then before it reports the end.
type atEOF struct {
	io.Reader
	then func()
}

func (r *atEOF) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		r.then()
	}
	return n, err
}

func TestResponseTrailers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "text")
		w.Header().Set("X-Sum", "42")
	}))
	defer srv.Close()
	rec := newRecorder(t)
	resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, t.Context(), http.MethodGet, srv.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("trailers %v", resp.Trailer)
	}
	if ts := rec.only(t).Response.Trailers; len(ts) != 1 || ts[0].Value != "42" {
		t.Errorf("recorded trailers %v", ts)
	}
}

func TestResponsesWithoutBody(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/head":
			w.Header().Set("Content-Length", "100")
		}
	}))
	defer srv.Close()
	for _, c := range []struct{ method, path string }{{"GET", "/204"}, {"GET", "/304"}, {"HEAD", "/head"}, {"GET", "/empty"}} {
		rec := newRecorder(t)
		resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, t.Context(), c.method, srv.URL+c.path, nil))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body != http.NoBody {
			t.Errorf("%s: the body is %T, not NoBody", c.path, resp.Body)
		}
		e := rec.only(t) // although nobody closed the body
		if b := e.Response.Body; b.Truncated || b.Reason != "" || b.Size != 0 || len(e.Flags) != 1 {
			t.Errorf("%s: %+v, flags %v", c.path, b, e.Flags)
		}
	}
}

// slowBody answers with 1,000 bytes and no end.
func slowBody(t testing.TB, length bool) *httptest.Server {
	t.Helper()
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if length {
			w.Header().Set("Content-Length", "1000000")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	}))
	t.Cleanup(func() { close(stop); srv.Close() })
	return srv
}

func TestClosedEarly(t *testing.T) {
	srv := slowBody(t, true)
	rec := newRecorder(t)
	resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, t.Context(), http.MethodGet, srv.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if len(rec.all()) != 0 {
		t.Error("the entry came before the end")
	}
	_ = resp.Body.Close()
	_ = resp.Body.Close()
	e := rec.only(t)
	if !e.HasFlag(entry.FlagNotRead) || e.Error.Type != "" || e.Response.Body.Size != 10 || e.Response.Body.Reason != "unread" || !e.Response.Body.Truncated {
		t.Errorf("flags %v, error %q, body %+v", e.Flags, e.Error.Type, e.Response.Body)
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
		t.Error("a closed body can be read")
	}
	rec.only(t)
}

func TestReadWholeThenClosedWithoutEOF(t *testing.T) {
	// json.Decoder stops at the value's end and never sees EOF.
	rec := newRecorder(t)
	tr := rec.transport(t, roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: 4, Body: io.NopCloser(onlyReader{strings.NewReader("text")})}, nil
	}), nil)
	resp, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/", nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if e := rec.only(t); e.HasFlag(entry.FlagNotRead) || e.Response.Body.Truncated {
		t.Errorf("flags %v, body %+v", e.Flags, e.Response.Body)
	}
}

// A body of unknown length that was closed before its end showed may have been read
// whole: the entry does not call it unread then.
func TestClosedWithoutEOFAtUnknownLength(t *testing.T) {
	for _, c := range []struct {
		name         string
		read         int
		flag, reason string
	}{
		{"all of it", 4, entry.FlagEndUnseen, "end not seen"},
		{"some of it", 2, entry.FlagEndUnseen, "end not seen"}, // who reads can not tell
		{"nothing", 0, entry.FlagNotRead, "unread"},
		{"its end", 5, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			end := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "text")
				_ = http.NewResponseController(w).Flush()
				<-end
			}))
			t.Cleanup(srv.Close)
			release := sync.OnceFunc(func() { close(end) })
			t.Cleanup(release)
			rec := newRecorder(t)
			resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, t.Context(), http.MethodGet, srv.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			if c.read > 4 {
				release()
				_, _ = io.ReadAll(resp.Body)
			} else if _, err := io.ReadFull(io.LimitReader(resp.Body, int64(c.read)), make([]byte, c.read)); err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			e := rec.only(t)
			for _, flag := range []string{entry.FlagNotRead, entry.FlagEndUnseen} {
				if e.HasFlag(flag) != (flag == c.flag) {
					t.Errorf("flags %v, want %q", e.Flags, c.flag)
				}
			}
			if b := e.Response.Body; b.Reason != c.reason || b.Truncated != (c.reason != "") || b.Size != int64(min(c.read, 4)) {
				t.Errorf("%+v", b)
			}
		})
	}
}

func TestLatencyEndsWithTheLastByte(t *testing.T) {
	clock := newClock()
	rec := newRecorder(t)
	tr := rec.transport(t, roundTripper(func(*http.Request) (*http.Response, error) {
		clock.advance(time.Second)
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(onlyReader{strings.NewReader("text")})}, nil
	}), &outbound.Options{Now: clock.now})
	resp, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/a?b", nil))
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Second)
	_, _ = io.ReadFull(resp.Body, make([]byte, 4))
	clock.advance(time.Hour) // the caller works
	_ = resp.Body.Close()
	e := rec.only(t)
	if e.Latency != 2*time.Second || e.Timings.FirstByte != time.Second || e.Timings.Receive != time.Second || e.Message != "GET http://core/a 200 (2 s)" {
		t.Errorf("latency %v, %+v, %q", e.Latency, e.Timings, e.Message)
	}
}

func TestNeverClosedUntilTheContextEnds(t *testing.T) {
	srv := slowBody(t, false)
	rec := newRecorder(t)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, ctx, http.MethodGet, srv.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadFull(resp.Body, make([]byte, 10))
	cancel()
	e := rec.only(t)
	if !e.HasFlag(entry.FlagNotRead) || e.Error.Type != entry.ErrorCanceled || e.HTTP.Status != 200 || string(e.Response.Body.Raw) != "xxxxxxxxxx" {
		t.Errorf("flags %v, error %q, status %d, body %+v", e.Flags, e.Error.Type, e.HTTP.Status, e.Response.Body)
	}
	_ = resp.Body.Close()
	rec.only(t)
}

func TestErrorsPassUnchanged(t *testing.T) {
	errOdd := errors.New("odd")
	rec := newRecorder(t)
	tr := rec.transport(t, roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(&failingReader{"text", errOdd})}, nil
	}), nil)
	resp, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/", nil))
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if n, err := resp.Body.Read(p); n != 4 || err != errOdd {
		t.Errorf("Read: %d, %v", n, err)
	}
	if _, err := resp.Body.Read(p); err != errOdd {
		t.Errorf("second Read: %v", err)
	}
	if e := rec.only(t); string(e.Response.Body.Raw) != "text" || e.Error.Message == "" {
		t.Errorf("%+v", e)
	}
}

// failingReader returns its text together with its error.
type failingReader struct {
	text string
	err  error
}

func (r *failingReader) Read(p []byte) (int, error) {
	n := copy(p, r.text)
	r.text = ""
	return n, r.err
}
