package outbound_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// pipe is a body of some transport's that can be written to.
type pipe struct {
	io.Reader
	out *bytes.Buffer
}

func (p pipe) Write(b []byte) (int, error) { return p.out.Write(b) }
func (pipe) Close() error                  { return nil }

type halfPipe struct{ pipe }

func (halfPipe) CloseWrite() error { return nil }

// Only a 101, and a 2xx to a CONNECT, turn the connection into something else. The body
// of another answer is captured, also if it can be written to, which it still can.
func TestWritableBodies(t *testing.T) {
	for _, c := range []struct {
		method   string
		status   int
		switches bool
	}{
		{http.MethodGet, 200, false},
		{http.MethodPost, 404, false},
		{http.MethodConnect, 407, false},
		{http.MethodGet, 101, true},
		{http.MethodConnect, 200, true},
	} {
		for _, half := range []bool{false, true} {
			var out bytes.Buffer
			rec := newRecorder(t)
			tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				p := pipe{bytes.NewBufferString(`{"a":1}`), &out}
				resp := &http.Response{StatusCode: c.status, Body: p, ContentLength: 7, Request: r}
				if half {
					resp.Body = halfPipe{p}
				}
				return resp, nil
			}), nil)
			resp, err := tr.RoundTrip(request(t, t.Context(), c.method, "http://core/", nil))
			if err != nil {
				t.Fatal(err)
			}
			w, ok := resp.Body.(io.Writer)
			if !ok {
				t.Fatalf("%s %d: the body has no Write", c.method, c.status)
			}
			if _, err := io.WriteString(w, "ping"); err != nil || out.String() != "ping" {
				t.Errorf("wrote %q, %v", out.String(), err)
			}
			if _, can := resp.Body.(interface{ CloseWrite() error }); can != half {
				t.Errorf("CloseWrite: %v, want %v", can, half)
			}
			if got := drain(t, resp); got != `{"a":1}` {
				t.Errorf("read %q", got)
			}
			if c.switches {
				if es := rec.wait(t, 2); es[1].Kind != entry.KindStream || es[1].Request.Body.Size != 4 || es[1].Response.Body.Size != 7 {
					t.Errorf("%s %d: %+v", c.method, c.status, es[1])
				}
				continue
			}
			if b := rec.only(t).Response.Body; string(b.Raw) != `{"a":1}` || b.Size != 7 || b.Truncated || b.Reason != "" {
				t.Errorf("%s %d: %+v", c.method, c.status, b)
			}
		}
	}
}
