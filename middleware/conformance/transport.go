package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// RoundTripperWrapper is what is examined on the client side.
type RoundTripperWrapper = func(http.RoundTripper) http.RoundTripper

// TransportCase is one rule of the client side.
type TransportCase struct {
	// Group is what the rule is about, "failure" for example.
	Group string
	// Name is the rule in a few words.
	Name string
	// Reason says what breaks where the rule does not hold.
	Reason string

	check func(c *transportChecker)
}

// RunTransport runs every case of the client side on wrap, which is given a
// transport of net/http's, or one that watches it, and is called once for each
// case:
//
//	func TestMyTransport(t *testing.T) {
//		conformance.RunTransport(t, func(base http.RoundTripper) http.RoundTripper {
//			return myRetrying(myTracing(base))
//		})
//	}
//
// What is examined may add request headers of its own.
func RunTransport(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) {
	t.Helper()
	RunTransportExcept(t, wrap, nil)
}

// RunTransportExcept is RunTransport without the cases named in except, each with the
// reason why it can not hold: a transport that retries resends bodies by GetBody, and one
// that caches answers without asking its base. A name that is no case fails the test.
func RunTransportExcept(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper, except map[string]string) {
	t.Helper()
	if wrap == nil {
		t.Fatal("conformance: RunTransport needs a wrapper, got nil")
	}
	cases := TransportCases()
	if name := unknown(except, func(name string) bool {
		return slices.ContainsFunc(cases, func(k TransportCase) bool { return k.Name == name })
	}); name != "" {
		t.Fatalf("conformance: there is no case %q to leave out", name)
	}
	for _, k := range cases {
		if _, out := except[k.Name]; out {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			k.run(t, DefaultPatience, wrap)
		})
	}
}

// TransportCases returns all cases of the client side, for those who want to list
// them.
func TransportCases() []TransportCase {
	var all []TransportCase
	for _, group := range []struct {
		name  string
		cases []TransportCase
	}{
		{"request", transportRequestCases()},
		{"request body", transportBodyCases()},
		{"response", transportResponseCases()},
		{"failure", transportFailureCases()},
	} {
		for _, k := range group.cases {
			k.Group = group.name
			all = append(all, k)
		}
	}
	return all
}

func (k TransportCase) run(t transportReporter, patience time.Duration, wrap RoundTripperWrapper) {
	t.Helper()
	k.check(&transportChecker{transportReporter: t, reason: k.Reason, patience: patience, wrap: wrap})
}

// transportReporter is what a case needs of a [testing.T].
type transportReporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// transportChecker is one case being run.
type transportChecker struct {
	transportReporter
	reason   string
	patience time.Duration
	wrap     RoundTripperWrapper
}

// Errorf reports a failure with the rule's reason.
func (c *transportChecker) Errorf(format string, args ...any) {
	c.Helper()
	c.transportReporter.Errorf("%s\nThe rule: %s", fmt.Sprintf(format, args...), c.reason)
}

// Fatalf is Errorf and ends the case.
func (c *transportChecker) Fatalf(format string, args ...any) {
	c.Helper()
	c.transportReporter.Fatalf("%s\nThe rule: %s", fmt.Sprintf(format, args...), c.reason)
}

func (c *transportChecker) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%v", err)
	}
}

// transportAwait waits for ch, or ends the case.
func transportAwait[T any](c *transportChecker, ch <-chan T, what string) T {
	c.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(c.patience):
		c.Fatalf("%s did not come within %v", what, c.patience)
		panic("unreachable") // Fatalf does not return
	}
}

// base returns a fresh transport of net/http's.
func (c *transportChecker) base() *http.Transport {
	tr := &http.Transport{ExpectContinueTimeout: c.patience, ForceAttemptHTTP2: true}
	c.Cleanup(tr.CloseIdleConnections)
	return tr
}

// plain wraps a fresh transport.
func (c *transportChecker) plain() http.RoundTripper { return c.wrap(c.base()) }

// server starts a server that stops with the case, also when handlers hang: they
// get its stop channel.
func (c *transportChecker) server(h func(w http.ResponseWriter, r *http.Request, stop <-chan struct{})) string {
	return c.start(httptest.NewUnstartedServer(nil), h, false).URL
}

// server2 starts one that speaks HTTP/2, and returns a base for it.
func (c *transportChecker) server2(h func(w http.ResponseWriter, r *http.Request, stop <-chan struct{})) (url string, base *http.Transport) {
	srv := c.start(httptest.NewUnstartedServer(nil), h, true)
	base = c.base()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	base.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return srv.URL, base
}

func (c *transportChecker) start(srv *httptest.Server, h func(http.ResponseWriter, *http.Request, <-chan struct{}), h2 bool) *httptest.Server {
	stop := make(chan struct{})
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(w, r, stop) })
	if h2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
	} else {
		srv.Start()
	}
	c.Cleanup(func() {
		close(stop)
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv
}

// raw starts a listener whose connections are served by hand.
func (c *transportChecker) raw(serve func(conn net.Conn, n int)) string {
	c.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	c.must(err)
	var (
		mu    sync.Mutex
		conns []net.Conn
	)
	go func() {
		for n := 1; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn, n)
			}()
		}
	}()
	c.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
	return "http://" + ln.Addr().String() + "/"
}

// request makes a request that ends with the case at the latest.
func (c *transportChecker) request(method, url string, body io.Reader) *http.Request {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, url, body)
	c.must(err)
	return req
}

// transportResult is what RoundTrip came to.
type transportResult struct {
	resp  *http.Response
	err   error
	panic any
}

// roundTrip calls rt in a goroutine of its own, so that one that hangs or panics
// fails its case and nothing else.
func (c *transportChecker) roundTrip(rt http.RoundTripper, req *http.Request, what string) transportResult {
	c.Helper()
	ch := make(chan transportResult, 1)
	go func() {
		var r transportResult
		defer func() {
			r.panic = recover()
			ch <- r
		}()
		r.resp, r.err = rt.RoundTrip(req)
	}()
	r := transportAwait(c, ch, what)
	if r.panic != nil {
		c.Fatalf("RoundTrip panicked: %v", r.panic)
	}
	return r
}

// send sends a request through rt and returns its response, whose body is closed
// with the case.
func (c *transportChecker) send(rt http.RoundTripper, req *http.Request) *http.Response {
	c.Helper()
	r := c.roundTrip(rt, req, "a response")
	if r.err != nil {
		c.Fatalf("the call failed: %v", r.err)
	}
	if r.resp == nil || r.resp.Body == nil {
		c.Fatalf("neither error nor response with a body")
	}
	c.Cleanup(func() { go r.resp.Body.Close() }) // a Close that hangs has its own case
	return r.resp
}

// fail sends a request that must fail and returns its error.
func (c *transportChecker) fail(rt http.RoundTripper, req *http.Request) error {
	c.Helper()
	r := c.roundTrip(rt, req, "an error")
	if r.err == nil {
		if r.resp != nil {
			_ = r.resp.Body.Close()
		}
		c.Fatalf("the call succeeded")
	}
	return r.err
}

// read reads a body to its end.
func (c *transportChecker) read(r io.Reader) (string, error) {
	c.Helper()
	type result struct {
		b   []byte
		err error
	}
	ch := make(chan result, 1)
	go func() {
		b, err := io.ReadAll(r)
		ch <- result{b, err}
	}()
	got := transportAwait(c, ch, "the end of the body")
	return string(got.b), got.err
}

// text reads a body that must end well.
func (c *transportChecker) text(r io.Reader) string {
	c.Helper()
	s, err := c.read(r)
	c.must(err)
	return s
}

// transportFunc is a RoundTripper.
type transportFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// echoBack answers with what it got, as it comes.
func echoBack(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) { _, _ = io.Copy(w, r.Body) }
