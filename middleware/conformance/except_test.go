package conformance

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// A middleware, and a transport, that can not hold some rules pass the others, with those
// left out by name.
func TestExcept(t *testing.T) {
	RunExcept(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.Clone(r.Context())) // another form, and another map of trailers
		})
	}, map[string]string{
		"MultipartFilesAreRemoved": "the server's own request does not get the form",
		"RequestTrailers":          "nor does the handler's the trailers",
	})
}

func TestTransportExcept(t *testing.T) {
	RunTransportExcept(t, func(base http.RoundTripper) http.RoundTripper {
		return forwarding{base, func(r *http.Request) (*http.Response, error) {
			if r.GetBody != nil {
				if b, err := r.GetBody(); err == nil {
					_, _ = io.Copy(&bytes.Buffer{}, b)
				}
			}
			return base.RoundTrip(r)
		}}
	}, map[string]string{"GetBody is left to those who resend": "it looks at the body before it sends it"})
}

// forwarding is a RoundTripper that forwards CloseIdleConnections.
type forwarding struct {
	base http.RoundTripper
	call func(*http.Request) (*http.Response, error)
}

func (f forwarding) RoundTrip(r *http.Request) (*http.Response, error) { return f.call(r) }

func (f forwarding) CloseIdleConnections() {
	if c, ok := f.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A name that was misspelled is told: it would leave nothing out.
func TestUnknownExceptions(t *testing.T) {
	known := func(name string) bool { return name == "a" || name == "b" }
	for want, except := range map[string]map[string]string{
		"":  {"a": "", "b": ""},
		"c": {"a": "", "d": "", "c": ""},
	} {
		if got := unknown(except, known); got != want {
			t.Errorf("%v: %q, want %q", except, got, want)
		}
	}
	if got := unknown(nil, known); got != "" {
		t.Errorf("no exceptions: %q", got)
	}
}
