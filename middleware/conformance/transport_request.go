package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

func transportRequestCases() []TransportCase {
	return []TransportCase{
		{Name: "the request is not changed", Reason: "net/http.RoundTripper: RoundTrip should not modify the request. Callers send one twice, and read its headers meanwhile.", check: func(c *transportChecker) {
			req := c.request(http.MethodPost, c.server(echoBack), strings.NewReader("text"))
			req.Header["X-Twice"] = []string{"1", "2"}
			before, headers := *req, req.Header.Clone()
			resp := c.send(c.plain(), req)
			_ = c.text(resp.Body)
			if !maps.EqualFunc(req.Header, headers, slices.Equal) {
				c.Errorf("headers were %v, are %v", headers, req.Header)
			}
			if req.Body != before.Body || req.URL != before.URL || req.Context() != before.Context() || req.ContentLength != before.ContentLength || (req.GetBody == nil) != (before.GetBody == nil) {
				c.Errorf("a field of the request was replaced")
			}
		}},
		{Name: "headers arrive as they are", Reason: "A header dropped or folded on the way changes what the server does.", check: func(c *transportChecker) {
			got := make(chan *http.Request, 1)
			url := c.server(func(_ http.ResponseWriter, r *http.Request, _ <-chan struct{}) { got <- r })
			req := c.request(http.MethodGet, url, nil)
			req.Header["X-Twice"] = []string{"1", "2"}
			req.Header.Set("User-Agent", "conformance")
			req.Host = "other.example"
			c.send(c.plain(), req)
			r := transportAwait(c, got, "the request")
			if !slices.Equal(r.Header["X-Twice"], []string{"1", "2"}) || r.UserAgent() != "conformance" || r.Host != "other.example" {
				c.Errorf("host %q, headers %v", r.Host, r.Header)
			}
		}},
		{Name: "the context reaches the base", Reason: "Values, deadline and cancellation of a call travel in the request's context.", check: func(c *transportChecker) {
			type key struct{}
			got := make(chan any, 1)
			rt := c.wrap(transportFunc(func(r *http.Request) (*http.Response, error) {
				got <- r.Context().Value(key{})
				return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
			}))
			req := c.request(http.MethodGet, "http://127.0.0.1/", nil)
			c.send(rt, req.WithContext(context.WithValue(req.Context(), key{}, 7)))
			if v := <-got; v != 7 {
				c.Errorf("the context's value is %v", v)
			}
		}},
		{Name: "the caller's httptrace hooks run", Reason: "Others measure too: hooks are composed, not replaced.", check: func(c *transportChecker) {
			var mu sync.Mutex
			var seen []string
			see := func(s string) { mu.Lock(); seen = append(seen, s); mu.Unlock() }
			req := c.request(http.MethodGet, c.server(echoBack), nil)
			req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				ConnectStart:         func(string, string) { see("connect") },
				GotConn:              func(httptrace.GotConnInfo) { see("got") },
				WroteRequest:         func(httptrace.WroteRequestInfo) { see("wrote") },
				GotFirstResponseByte: func() { see("first") },
			}))
			_ = c.text(c.send(c.plain(), req).Body)
			mu.Lock()
			defer mu.Unlock()
			for _, want := range []string{"connect", "got", "wrote", "first"} {
				if !slices.Contains(seen, want) {
					c.Errorf("hook %q was not called, only %v", want, seen)
				}
			}
		}},
		{Name: "1xx answers reach the hooks", Reason: "Early hints and progress are for the caller's hook, and never the answer.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusAccepted)
			})
			var hints atomic.Int32
			req := c.request(http.MethodGet, url, nil)
			req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints.Store(int32(code)); return nil }, //nolint:gosec // three digits
			}))
			if resp := c.send(c.plain(), req); resp.StatusCode != http.StatusAccepted || hints.Load() != http.StatusEarlyHints {
				c.Errorf("status %d, hook got %d", resp.StatusCode, hints.Load())
			}
		}},
		{Name: "CloseIdleConnections is forwarded", Reason: "http.Client.CloseIdleConnections asks the transport for the method; without it tests and shutdowns leave connections open.", check: func(c *transportChecker) {
			var closed atomic.Bool
			rt := c.wrap(&idleCloser{RoundTripper: c.base(), closed: &closed})
			(&http.Client{Transport: rt}).CloseIdleConnections()
			if !closed.Load() {
				c.Errorf("the base was not told")
			}
		}},
		{Name: "a request without URL or headers is an error", Reason: "The base refuses them with an error; a panic would take the process down.", check: func(c *transportChecker) {
			rt := c.plain()
			_ = c.fail(rt, &http.Request{Method: http.MethodGet, Header: http.Header{}})
			req := c.request(http.MethodGet, "http://127.0.0.1/", nil)
			req.Header = nil
			_ = c.fail(rt, req)
		}},
		{Name: "the base's error is passed on as it is", Reason: "Callers compare errors with ==, errors.Is and errors.As.", check: func(c *transportChecker) {
			errBase := errors.New("base")
			rt := c.wrap(transportFunc(func(*http.Request) (*http.Response, error) { return nil, errBase }))
			if err := c.fail(rt, c.request(http.MethodGet, "http://127.0.0.1/", nil)); err != errBase {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "the base's panic is passed on as it is", Reason: "Recovering code looks at the value.", check: func(c *transportChecker) {
			type odd struct{ n int }
			rt := c.wrap(transportFunc(func(*http.Request) (*http.Response, error) { panic(odd{7}) }))
			defer func() {
				if v := recover(); v != any(odd{7}) {
					c.Errorf("recovered %v", v)
				}
			}()
			_, err := rt.RoundTrip(c.request(http.MethodGet, "http://127.0.0.1/", nil))
			c.Errorf("no panic, error %v", err)
		}},
	}
}

// idleCloser notes that CloseIdleConnections was called.
type idleCloser struct {
	http.RoundTripper
	closed *atomic.Bool
}

func (t *idleCloser) CloseIdleConnections() { t.closed.Store(true) }

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// ownBody is a body of no type that net/http knows.
type ownBody struct {
	io.Reader
	closed chan struct{}
	once   sync.Once
}

func newOwnBody(s string) *ownBody {
	return &ownBody{Reader: bytes.NewReader([]byte(s)), closed: make(chan struct{})}
}

func (b *ownBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
