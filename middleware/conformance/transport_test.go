package conformance

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// The client side of the suite is right where it passes with nothing in between.
func TestRunTransportOnNetHTTP(t *testing.T) {
	RunTransport(t, func(base http.RoundTripper) http.RoundTripper { return base })
}

// Each habit of careless wrappers must be found by the case that names it.
func TestTransportCasesFindFaults(t *testing.T) {
	type rt = transportFunc
	for _, f := range []struct {
		name  string
		wrap  RoundTripperWrapper
		cases []string
	}{
		{"reads the response first", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(r)
				if err == nil {
					b, _ := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					resp.Body = io.NopCloser(bytes.NewReader(b))
				}
				return resp, err
			})
		}, []string{"headers come before the body", "a body cut short is an error", "an upgraded connection can be written to", "a response without a body has none", "bytes and error of one Read stay together"}},
		{"reads the request first", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					b, _ := io.ReadAll(r.Body)
					r.Body = io.NopCloser(bytes.NewReader(b))
				}
				return base.RoundTrip(r)
			})
		}, []string{"the request is not changed", "no body stays no body", "the body is closed", "the body's own error is passed on", "an unwanted body is not read"}},
		{"peeks by GetBody", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				if r.GetBody != nil {
					if b, err := r.GetBody(); err == nil {
						_, _ = io.ReadAll(b)
					}
				}
				return base.RoundTrip(r)
			})
		}, []string{"GetBody is left to those who resend"}},
		{"wraps every body", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				out := r.Clone(r.Context())
				if r.Body != nil {
					out.Body = struct{ io.ReadCloser }{r.Body}
					out.GetBody = nil
				}
				return base.RoundTrip(out)
			})
		}, []string{"no body stays no body", "a small body in memory is one write", "a dead idle connection is replaced", "trailers set while sending arrive", "the response names the caller's request"}},
		{"sets headers on the caller's request", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				r.Header.Set("X-Mine", "1")
				return base.RoundTrip(r)
			})
		}, []string{"the request is not changed", "CloseIdleConnections is forwarded", "a request without URL or headers is an error"}},
		{"drains on Close", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(r)
				if err == nil {
					resp.Body = &draining{ReadCloser: resp.Body}
				}
				return resp, err
			})
		}, []string{"closing early is enough", "nothing is read that the caller did not read", "an upgraded connection can be written to"}},
		{"copies the response", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(r)
				if err != nil {
					return nil, err
				}
				c := *resp
				return &c, nil
			})
		}, []string{"trailers arrive"}},
		{"uses a context of its own", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (*http.Response, error) {
				return base.RoundTrip(r.WithContext(context.Background()))
			})
		}, []string{"the context reaches the base", "the caller's httptrace hooks run", "1xx answers reach the hooks", "canceling ends the wait for an answer", "the cause of a cancellation is passed on"}},
		{"recovers and rewrites errors", func(base http.RoundTripper) http.RoundTripper {
			return rt(func(r *http.Request) (resp *http.Response, err error) {
				defer func() {
					if recover() != nil {
						err = io.ErrClosedPipe
					}
				}()
				if resp, err = base.RoundTrip(r); err != nil {
					return nil, io.ErrClosedPipe
				}
				return resp, nil
			})
		}, []string{"the base's error is passed on as it is", "the base's panic is passed on as it is", "a refused connection is a *net.OpError", "a bad certificate keeps its type", "a deadline is a timeout"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range f.cases {
				i := slices.IndexFunc(TransportCases(), func(k TransportCase) bool { return k.Name == name })
				if i < 0 {
					t.Errorf("there is no case %q", name)
					continue
				}
				k := TransportCases()[i]
				const patience = 300 * time.Millisecond
				if why := examine(t.Context(), patience, k.Reason, func(c *collector) { k.run(c, patience, f.wrap) }); len(why) == 0 {
					t.Errorf("%q does not find it", name)
				}
			}
		})
	}
}

type draining struct{ io.ReadCloser }

func (b *draining) Close() error {
	_, _ = io.Copy(io.Discard, b.ReadCloser)
	return b.ReadCloser.Close()
}

func TestTransportCasesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range TransportCases() {
		if k.Name == "" || k.Reason == "" || k.Group == "" || seen[k.Name] {
			t.Errorf("case %q, group %q, reason %q", k.Name, k.Group, k.Reason)
		}
		seen[k.Name] = true
	}
}
