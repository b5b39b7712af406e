package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/workload"
	"github.com/txtrail/txtrail/txid"
)

// answerer answers without a network, calling the hooks that net/http calls for a
// reused connection: what is left is the cost of what is wrapped around it.
type answerer struct {
	body []byte
	conn httptrace.GotConnInfo
}

func newAnswerer(body []byte) *answerer {
	return &answerer{body: body, conn: httptrace.GotConnInfo{Reused: true}}
}

// RoundTrip implements [http.RoundTripper].
func (a *answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	hooks := httptrace.ContextClientTrace(r.Context())
	if hooks != nil && hooks.GetConn != nil {
		hooks.GetConn("core:80")
	}
	if hooks != nil && hooks.GotConn != nil {
		hooks.GotConn(a.conn)
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if hooks != nil && hooks.WroteRequest != nil {
		hooks.WroteRequest(httptrace.WroteRequestInfo{})
	}
	if hooks != nil && hooks.GotFirstResponseByte != nil {
		hooks.GotFirstResponseByte()
	}
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/json"}, "Date": {"Mon, 02 Mar 2026 10:04:00 GMT"}, "Content-Length": {"1024"}},
		ContentLength: int64(len(a.body)), Body: io.NopCloser(bytes.NewReader(a.body)),
	}, nil
}

// call makes the same call again and again, for a request that is being served.
type call struct {
	rt     http.RoundTripper
	ctx    context.Context
	method string
	body   []byte
	want   int
	buf    []byte
}

func newCall(rt http.RoundTripper, method string, body []byte, want int) *call {
	c := &call{rt: rt, ctx: context.Background(), method: method, body: body, want: want, buf: make([]byte, 4<<10)}
	if p, err := txid.NewPropagator(nil); err == nil { // the defaults always work
		c.ctx = txid.NewContext(c.ctx, p.Start(time.Now()))
	}
	return c
}

func (c *call) do() error {
	var body io.Reader
	if c.body != nil {
		body = bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(c.ctx, c.method, "http://core"+workload.Path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header["Content-Type"] = []string{"application/json"}
	}
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		return err
	}
	got := 0
	for {
		n, err := resp.Body.Read(c.buf)
		got += n
		if err != nil {
			break
		}
	}
	if got != c.want {
		return fmt.Errorf("got %d of %d bytes", got, c.want)
	}
	return resp.Body.Close()
}
