package middleware_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/middleware"
)

// Of a piece of something only the size is kept, whichever way it goes: what would say
// that it holds a secret may stand in another piece.
func TestPiecesAreSizesOnly(t *testing.T) {
	const piece = `hunter2", "name": "x"}`
	for name, c := range map[string]struct {
		request, response http.Header
		kept              bool
	}{
		"part of an upload": {request: http.Header{"Content-Range": {"bytes 1000-1021/5000"}}},
		"offset of tus":     {request: http.Header{"Content-Type": {"application/offset+octet-stream"}}},
		"ranges":            {request: http.Header{"Content-Type": {"multipart/byteranges; boundary=x"}}},
		"part of an answer": {response: http.Header{"Content-Range": {"bytes 1000-1021/5000"}}},
		"a page of a list":  {request: http.Header{"Content-Range": {"items 1-2/5"}}, response: http.Header{"Content-Range": {"items 1-2/5"}}, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, rec := serve(t, middleware.Options{Capture: []middleware.CaptureRule{{First: 1 << 10, Last: 10}}}, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if c.response == nil {
					return
				}
				w.Header().Set("Content-Type", "application/json")
				for n, v := range c.response {
					w.Header()[n] = v
				}
				w.WriteHeader(http.StatusPartialContent)
				_, _ = io.WriteString(w, piece)
			})
			r := request(t, "PUT", s.URL, nil)
			if c.request != nil {
				r = request(t, "PUT", s.URL, struct{ io.Reader }{strings.NewReader(piece)}) // as it comes
				r.Header.Set("Content-Type", "application/json")
				for n, v := range c.request {
					r.Header[n] = v
				}
			}
			do(t, s.Client(), r)
			e := rec.one(t)
			for what, b := range map[string]struct {
				sent   bool
				size   int64
				raw    []byte
				reason string
			}{
				"request":  {c.request != nil, e.Request.Body.Size, e.Request.Body.Raw, e.Request.Body.Reason},
				"response": {c.response != nil, e.Response.Body.Size, e.Response.Body.Raw, e.Response.Body.Reason},
			} {
				if !b.sent {
					continue
				}
				if b.size != int64(len(piece)) || (len(b.raw) > 0) != c.kept || (b.reason == "") != c.kept {
					t.Errorf("%s: %d bytes, %q kept, reason %q", what, b.size, b.raw, b.reason)
				}
			}
		})
	}
}
