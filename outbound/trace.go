package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"time"

	"github.com/txtrail/txtrail/internal/capture"
)

// marks are the moments of one call, as time since its start; zero: not reached.
// They are guarded by the call's lock, since net/http calls the hooks from its own
// goroutines, and some of them after RoundTrip has returned.
type marks struct {
	conns        int32 // connections obtained: more than one means that net/http sent again
	traced       bool  // the base transport calls hooks at all; set when done
	reused       bool
	writeFailed  bool // the request could not be written to its end
	peer         netip.Addr
	dnsStart     time.Duration
	dnsDone      time.Duration
	connectStart time.Duration
	connectDone  time.Duration
	tlsStart     time.Duration
	tlsDone      time.Duration
	gotConn      time.Duration
	wroteHeaders time.Duration // noted for TLS alone, where the protocol may be HTTP/2
	wrote        time.Duration
	firstByte    time.Duration
	response     time.Duration // RoundTrip returned a response
	last         time.Duration // the latest byte of its body
}

// since is the time since the start, at least 1 ns, so that it is not zero.
func (c *call) since() time.Duration {
	if c.t.opts.Now == nil {
		return max(time.Since(c.start), 1) // the monotonic clock alone is half the price
	}
	return max(c.t.opts.Now().Sub(c.start), 1)
}

// mark notes the present moment, once.
func (c *call) mark(at *time.Duration) {
	d := c.since()
	c.mu.Lock()
	if !c.done && *at == 0 {
		*at = d
	}
	c.mu.Unlock()
}

// remark notes the present moment, replacing an earlier one.
func (c *call) remark(at *time.Duration) {
	d := c.since()
	c.mu.Lock()
	if !c.done {
		*at = d
	}
	c.mu.Unlock()
}

// trace returns ctx with our hooks; the caller's own hooks run as well.
//
// httptrace.WithClientTrace costs sixteen allocations, most of them for hooks of
// a dial that a reused connection does without. Where the caller has no hooks,
// callContext answers for httptrace instead, and makes those for the dial when a
// dialer asks.
func (c *call) trace(ctx context.Context, https bool) context.Context {
	h := &c.hooks
	h.GotConn, h.WroteRequest, h.GotFirstResponseByte = c.gotConn, c.wroteRequest, c.gotFirstByte
	if https || c.t.traceKey == nil {
		// Over HTTP/2 the answer may be here before WroteRequest is called.
		h.WroteHeaders = func() { c.mark(&c.m.wroteHeaders) }
		h.TLSHandshakeStart = func() { c.mark(&c.m.tlsStart) }
		h.TLSHandshakeDone = func(_ tls.ConnectionState, err error) {
			if err == nil {
				c.remark(&c.m.tlsDone)
			}
		}
	}
	if c.t.traceKey == nil || httptrace.ContextClientTrace(ctx) != nil {
		c.dialHooks(h)
		h.GetConn = func(string) { c.traced.Store(true) }
		return httptrace.WithClientTrace(ctx, h)
	}
	return (*callContext)(c)
}

// dialHooks sets the hooks that package net calls.
func (c *call) dialHooks(h *httptrace.ClientTrace) {
	h.DNSStart = func(httptrace.DNSStartInfo) { c.mark(&c.m.dnsStart) }
	h.DNSDone = func(info httptrace.DNSDoneInfo) {
		if info.Err == nil {
			c.remark(&c.m.dnsDone)
		}
	}
	// Two addresses may be tried at once (RFC 8305): first start, last success.
	h.ConnectStart = func(_, _ string) { c.mark(&c.m.connectStart) }
	h.ConnectDone = func(_, _ string, err error) {
		if err == nil {
			c.remark(&c.m.connectDone)
		}
	}
}

// callContext is the caller's context with our hooks in it.
type callContext call

type dialContext struct{ context.Context }

// Deadline implements [context.Context].
func (x *callContext) Deadline() (time.Time, bool) { return x.ctx.Deadline() }

// Done implements [context.Context].
func (x *callContext) Done() <-chan struct{} { return x.ctx.Done() }

// Err implements [context.Context].
func (x *callContext) Err() error { return x.ctx.Err() }

// Value implements [context.Context].
func (x *callContext) Value(key any) any {
	c := (*call)(x)
	if key == c.t.traceKey {
		c.traced.Store(true)
		return &c.hooks
	}
	if v := x.ctx.Value(key); v != nil {
		return v
	}
	if _, ok := key.(*int); ok {
		return nil // package context looks for a cancelable parent
	}
	// Package net has a key of its own for its hooks, which httptrace sets.
	d := x.dial.Load()
	if d == nil {
		h := &httptrace.ClientTrace{}
		c.dialHooks(h)
		d = &dialContext{httptrace.WithClientTrace(context.Background(), h)}
		if !x.dial.CompareAndSwap(nil, d) {
			d = x.dial.Load()
		}
	}
	return d.Value(key)
}

// findTraceKey returns the key under which httptrace keeps its hooks, by asking it
// for them, or nil where that does not work out; then WithClientTrace is used.
func findTraceKey() any {
	p := &keyProbe{Context: context.Background()}
	httptrace.ContextClientTrace(p)
	c := &call{t: &Transport{traceKey: p.key}, ctx: context.Background()}
	if p.key == nil || httptrace.ContextClientTrace((*callContext)(c)) != &c.hooks {
		return nil
	}
	return p.key
}

// keyProbe notes which key it is asked for.
type keyProbe struct {
	context.Context
	key any
}

// Value implements [context.Context].
func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

func (c *call) gotFirstByte() { c.mark(&c.m.firstByte) }

func (c *call) gotConn(info httptrace.GotConnInfo) {
	d := c.since()
	var peer netip.Addr
	if info.Conn != nil {
		if a, ok := info.Conn.RemoteAddr().(*net.TCPAddr); ok {
			peer = a.AddrPort().Addr().Unmap()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	c.m.conns++
	c.m.reused, c.m.peer = info.Reused, peer
	c.m.gotConn = d
	// What an earlier, broken connection had come to is void.
	c.m.wroteHeaders, c.m.wrote, c.m.firstByte, c.m.writeFailed = 0, 0, 0, false
}

func (c *call) wroteRequest(info httptrace.WroteRequestInfo) {
	d := c.since()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	if info.Err != nil {
		c.m.writeFailed = true
		return
	}
	c.m.wrote = d
	// The trailers have just been written, by this goroutine.
	c.noteTrailers()
}

// noteTrailers copies the request's trailers. They are complete when the body has come
// to its end, and belong to the caller again when the request has been written. The
// lock is held.
func (c *call) noteTrailers() {
	if len(c.trailer) > 0 {
		c.rec.Request.Trailers = capture.AppendFields(nil, c.trailer, nil)
	}
}

// phase names what the call is doing.
type phase uint8

const (
	phasePool    phase = iota // waiting for a connection
	phaseDNS                  // resolving the name
	phaseConnect              // connecting
	phaseTLS                  // shaking hands
	phaseSend                 // sending the request
	phaseWait                 // waiting for the first byte
	phaseHeaders              // reading the headers
	phaseBody                 // reading the body
	phaseUnknown              // the base transport does not say
)

// phase is called with the lock held.
func (m *marks) phase() phase {
	switch {
	case m.response != 0:
		return phaseBody
	case !m.traced:
		return phaseUnknown
	case m.firstByte != 0:
		return phaseHeaders
	case m.wrote != 0:
		return phaseWait
	case m.gotConn != 0:
		return phaseSend
	case m.tlsStart != 0 && m.tlsDone == 0:
		return phaseTLS
	case m.connectStart != 0 && m.connectDone == 0:
		return phaseConnect
	case m.dnsStart != 0 && m.dnsDone == 0:
		return phaseDNS
	}
	return phasePool
}

// String says it for people, after "while" or "timed out".
func (p phase) String() string {
	switch p {
	case phasePool:
		return "waiting for a connection"
	case phaseDNS:
		return "resolving the host name"
	case phaseConnect:
		return "connecting"
	case phaseTLS:
		return "in the TLS handshake"
	case phaseSend:
		return "sending the request"
	case phaseWait:
		return "waiting for response headers"
	case phaseHeaders:
		return "reading the response headers"
	case phaseBody:
		return "reading the response body"
	}
	return "waiting for the response"
}

// baseLimit is the limit of the base transport that ends a phase, if it is one
// of net/http's own and has one.
func baseLimit(base http.RoundTripper, p phase) (name string, d time.Duration) {
	tr, ok := base.(*http.Transport)
	if !ok {
		return "", 0
	}
	switch p {
	case phaseTLS:
		return "TLS handshake timeout", tr.TLSHandshakeTimeout
	case phaseWait, phaseHeaders:
		return "response header timeout", tr.ResponseHeaderTimeout
	case phaseConnect:
		return "dial timeout", 0 // known to the dialer alone
	}
	return "", 0
}
