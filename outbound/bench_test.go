package outbound_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
)

// answerer answers without a network, calling the hooks that net/http calls for a
// reused connection: what is left is the cost of the wrapper.
type answerer struct {
	body []byte
	conn httptrace.GotConnInfo
}

func (a *answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	if tr := httptrace.ContextClientTrace(r.Context()); tr != nil {
		if tr.GetConn != nil {
			tr.GetConn("core:80")
		}
		if tr.GotConn != nil {
			tr.GotConn(a.conn)
		}
		if tr.WroteRequest != nil {
			tr.WroteRequest(httptrace.WroteRequestInfo{})
		}
		if tr.GotFirstResponseByte != nil {
			tr.GotFirstResponseByte()
		}
	}
	h := http.Header{"Content-Type": {"application/json"}, "Date": {"Mon, 02 Mar 2026 10:04:00 GMT"}, "Content-Length": {"1024"}}
	resp := &http.Response{StatusCode: 200, Proto: "HTTP/1.1", Header: h, ContentLength: int64(len(a.body)), Request: r, Body: http.NoBody}
	if len(a.body) > 0 {
		resp.Body = io.NopCloser(bytes.NewReader(a.body))
	}
	return resp, nil
}

func benchCall(b *testing.B, ctx context.Context, rt http.RoundTripper, url, body string) {
	b.ReportAllocs()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := make([]byte, 2048)
	began := threadCPU()
	defer func() { b.ReportMetric(float64(threadCPU()-began)/float64(b.N), "cpu-ns/op") }()
	for b.Loop() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		if body == "" {
			req.Method = http.MethodGet
		}
		req.Header["Content-Type"] = []string{"application/json"}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := resp.Body.Read(p); err != nil {
				break
			}
		}
		_ = resp.Body.Close()
	}
}

func benchTransport(b *testing.B, base http.RoundTripper, closed bool) http.RoundTripper {
	b.Helper()
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = q.Close(context.Background()) })
	if closed {
		_ = q.Close(context.Background())
	}
	tr, err := outbound.NewTransport(base, q, nil)
	if err != nil {
		b.Fatal(err)
	}
	return tr
}

// BenchmarkCall compares a base that answers at once with the same one wrapped, in
// a request's context: the difference is what a call costs more. "path" has a
// closed queue, which only takes its buffers back; "whole" has the worker's share
// too (run it with -cpu 1, where both are on one thread).
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct{ name, req, resp string }{
		{"get", "", ""},
		{"post1k", strings.Repeat("x", 1024), strings.Repeat("y", 1024)},
		{"post64k", strings.Repeat("x", 64<<10), strings.Repeat("y", 64<<10)},
	} {
		base := &answerer{body: []byte(c.resp)}
		base.conn.Reused = true
		ctx, _ := scoped(b)
		b.Run(c.name+"/bare", func(b *testing.B) { benchCall(b, ctx, base, "http://core/v1/charge", c.req) })
		b.Run(c.name+"/path", func(b *testing.B) { benchCall(b, ctx, benchTransport(b, base, true), "http://core/v1/charge", c.req) })
		b.Run(c.name+"/whole", func(b *testing.B) { benchCall(b, ctx, benchTransport(b, base, false), "http://core/v1/charge", c.req) })
	}
}

// BenchmarkLoopback is a whole call to a real server. "same headers" is bare with
// the headers that ours adds: what the server, and the writing, have of them.
func BenchmarkLoopback(b *testing.B) {
	answer := []byte(strings.Repeat("y", 1024))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(answer)
	}))
	defer srv.Close()
	ctx, _ := scoped(b)
	body := strings.Repeat("x", 1024)
	same := []string{"0123456789abcdef"}
	b.Run("bare", func(b *testing.B) { benchCall(b, ctx, base(b), srv.URL, body) })
	b.Run("same headers", func(b *testing.B) {
		tr := base(b)
		benchCall(b, ctx, roundTripper(func(r *http.Request) (*http.Response, error) {
			for _, name := range stamped {
				r.Header[name] = same
			}
			return tr.RoundTrip(r)
		}), srv.URL, body)
	})
	b.Run("path", func(b *testing.B) { benchCall(b, ctx, benchTransport(b, base(b), true), srv.URL, body) })
	b.Run("whole", func(b *testing.B) { benchCall(b, ctx, benchTransport(b, base(b), false), srv.URL, body) })
}
