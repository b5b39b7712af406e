package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
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
				if why := k.failure(t, f.wrap); !strings.Contains(why, k.Reason) {
					t.Errorf("%q does not find it: %q", name, why)
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
		if k.Name == "" || k.Reason == "" || seen[k.Name] {
			t.Errorf("case %q, reason %q", k.Name, k.Reason)
		}
		seen[k.Name] = true
	}
}

// failure runs a case that is expected to fail and returns what it said.
func (k TransportCase) failure(t *testing.T, wrap RoundTripperWrapper) string {
	ctx, cancel := context.WithCancel(t.Context())
	r := &transportProbe{ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v\nThe rule: %s", v, k.Reason)
			}
		}()
		k.run(r, 300*time.Millisecond, wrap)
	}()
	<-done
	cancel()
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n")
}

// transportProbe takes the failures of a case.
type transportProbe struct {
	ctx      context.Context
	mu       sync.Mutex
	said     []string
	cleanups []func()
}

func (p *transportProbe) Helper() {}

func (p *transportProbe) Errorf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, fmt.Sprintf(format, args...))
}

func (p *transportProbe) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	runtime.Goexit()
}

func (p *transportProbe) Cleanup(f func())         { p.cleanups = append(p.cleanups, f) }
func (p *transportProbe) Context() context.Context { return p.ctx }
