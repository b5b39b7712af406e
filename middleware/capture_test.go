package middleware_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

var discardLog = log.New(io.Discard, "", 0)

func TestCapture(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, "text")
	z.Close()
	long := strings.Repeat("0123456789", 1000)
	for _, c := range []struct {
		name   string
		method string
		ctype  string
		body   string
		max    int
		want   entry.Body
	}{
		{"text", "POST", "text/plain", "abc", 0, entry.Body{Raw: []byte("abc"), Size: 3}},
		{"empty", "POST", "text/plain", "", 0, entry.Body{}},
		{"long", "POST", "text/plain", long, 1000, entry.Body{Raw: []byte(long[:1000]), Size: 10000, Truncated: true, Reason: "capture limit"}},
		{"exactly the limit", "POST", "text/plain", long, 10000, entry.Body{Raw: []byte(long), Size: 10000}},
		{"no capture", "POST", "text/plain", "abc", -1, entry.Body{Size: 3, Truncated: true}},
		{"image", "POST", "image/png", "\x89PNG", 0, entry.Body{Size: 4, Truncated: true, Reason: "binary"}},
		{"svg", "POST", "image/svg+xml", "<svg/>", 0, entry.Body{Raw: []byte("<svg/>"), Size: 6}},
		{"octets", "POST", "Application/Octet-Stream; x=y", "abc", 0, entry.Body{Size: 3, Truncated: true, Reason: "binary"}},
		{"grpc", "POST", "application/grpc+proto", "abc", 0, entry.Body{Size: 3, Truncated: true, Reason: "binary"}},
		{"grpc-web-text", "POST", "application/grpc-web-text", "abc", 0, entry.Body{Raw: []byte("abc"), Size: 3}},
		{"multipart", "POST", "multipart/form-data; boundary=b", "--b--", 0, entry.Body{Raw: []byte("--b--"), Size: 5}},
		{"no type", "POST", "", "abc", 0, entry.Body{Raw: []byte("abc"), Size: 3}},
		{"compressed", "POST", "text/plain", zipped.String(), 0, entry.Body{Raw: zipped.Bytes(), Size: int64(zipped.Len())}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, way := range []string{"write", "string", "copy", "small pieces", "chunked"} {
				s, rec := serve(t, middleware.Options{MaxBody: c.max}, func(w http.ResponseWriter, r *http.Request) {
					b, _ := io.ReadAll(r.Body)
					w.Header()["Content-Type"] = []string{c.ctype}
					switch way {
					case "string":
						_, _ = w.(io.StringWriter).WriteString(string(b))
					case "copy":
						_, _ = io.Copy(w, struct{ io.Reader }{bytes.NewReader(b)})
					case "small pieces":
						for _, x := range b {
							_, _ = w.Write([]byte{x})
						}
					default:
						_, _ = w.Write(b)
					}
				})
				var body io.Reader = strings.NewReader(c.body)
				if way == "chunked" {
					body = struct{ io.Reader }{body}
				}
				r := request(t, c.method, s.URL, body)
				if c.ctype != "" {
					r.Header.Set("Content-Type", c.ctype)
				}
				if _, got := do(t, s.Client(), r); got != c.body {
					t.Errorf("%s: the client got %d bytes, want %d", way, len(got), len(c.body))
				}
				e := rec.one(t)
				want := c.want
				want.Type = c.ctype
				if want.Raw == nil {
					want.Raw = []byte(nil)
				}
				for _, b := range []entry.Body{e.Request.Body, e.Response.Body} {
					if d := cmp.Diff(want, b); d != "" {
						t.Errorf("%s: %s", way, d)
					}
				}
				s.Close()
			}
		})
	}
}

func TestHeadHasNoSize(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") })
	do(t, s.Client(), request(t, "HEAD", s.URL, nil))
	if b := rec.one(t).Response.Body; b.Size != 0 || len(b.Raw) != 0 || b.Truncated {
		t.Errorf("recorded %+v", b)
	}
}

func TestNoContentHasNoSize(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(204)
		_, _ = io.WriteString(w, "body")
	})
	do(t, s.Client(), request(t, "GET", s.URL, nil))
	if b := rec.one(t).Response.Body; b.Size != 0 || len(b.Raw) != 0 || b.Truncated {
		t.Errorf("recorded %+v", b)
	}
}

func TestUnreadBody(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadFull(r.Body, make([]byte, 3)) })
	do(t, s.Client(), request(t, "POST", s.URL, strings.NewReader("hello")))
	want := entry.Body{Raw: []byte("hel"), Size: 5, Truncated: true, Reason: "unread"}
	e := rec.one(t)
	if d := cmp.Diff(want, e.Request.Body); d != "" || !e.HasFlag(entry.FlagUnread) {
		t.Errorf("flags %v, body %s", e.Flags, d)
	}
}

func TestTrailersAreRecorded(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "x")
		w.Header().Set("X-Sum", "1")
		w.Header().Set(http.TrailerPrefix+"X-More", "2")
	})
	r := request(t, "POST", s.URL, struct{ io.Reader }{strings.NewReader("x")})
	r.Trailer = http.Header{"X-In": {"0"}}
	do(t, s.Client(), r)
	e := rec.one(t)
	if d := cmp.Diff([]entry.Header{{Name: "X-In", Value: "0"}}, e.Request.Trailers); d != "" {
		t.Error(d)
	}
	got := map[string]string{}
	for _, h := range e.Response.Trailers {
		got[h.Name] = h.Value
	}
	if d := cmp.Diff(map[string]string{"X-Sum": "1", "X-More": "2"}, got); d != "" {
		t.Error(d)
	}
}

// connect-go sets trailers before anything is written, when a call fails: they are no
// headers then either.
func TestTrailersSetEarly(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "5")
		w.(http.Flusher).Flush()
	})
	res, _ := do(t, s.Client(), request(t, "GET", s.URL, nil))
	if got := res.Trailer.Get("Grpc-Status"); got != "5" {
		t.Errorf("the client got %q", got)
	}
	e := rec.one(t)
	if d := cmp.Diff([]entry.Header{{Name: "Grpc-Status", Value: "5"}}, e.Response.Trailers); d != "" {
		t.Error(d)
	}
	for _, h := range e.Response.Headers {
		if strings.Contains(h.Name, "Grpc-Status") {
			t.Errorf("header %s: %s was not sent as one", h.Name, h.Value)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Huge", strings.Repeat("x", 1<<20))
	r.Header.Set("X-Bytes", "\xff\xfe")
	wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Get("X-Huge")) != 1<<20 {
			t.Error("the handler's header is cut")
		}
		for i := range 1000 {
			w.Header().Set("X-"+strconv.Itoa(i), "v")
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
	e := rec.one(t)
	for _, h := range e.Request.Headers {
		if len(h.Value) > entry.MaxHeaderValue+1 {
			t.Errorf("%s has %d bytes", h.Name, len(h.Value))
		}
	}
	if n := len(e.Response.Headers); n > entry.MaxHeaders+2 {
		t.Errorf("%d response headers", n)
	}
}

// What the handler changes afterwards is not what was sent.
func TestHeadersAsTheyWere(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-In", "changed")
		w.Header().Set("X-Out", "sent")
		w.WriteHeader(200)
		w.Header().Set("X-Out", "changed")
	})
	r := request(t, "GET", s.URL, nil)
	r.Header.Set("X-In", "sent")
	do(t, s.Client(), r)
	e := rec.one(t)
	for _, h := range append(e.Request.Headers, e.Response.Headers...) {
		if (h.Name == "X-In" || h.Name == "X-Out") && h.Value != "sent" {
			t.Errorf("%s is recorded as %q", h.Name, h.Value)
		}
	}
}
