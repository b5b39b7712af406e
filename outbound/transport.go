package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// ErrNoQueue is returned by the constructors when the queue is nil.
var ErrNoQueue = errors.New("outbound: no queue: make one with sink.NewQueue")

// Transport is an [http.RoundTripper] that forwards the transaction ID and
// records each call. It is safe for concurrent use if its base is.
type Transport struct {
	base  http.RoundTripper
	queue *sink.Queue
	pool  *sink.BufferPool
	opts  Options
	hops  hops
	// traceKey is httptrace's key in a context; nil where it could not be found.
	traceKey any
}

// NewTransport wraps base; nil means a clone of [http.DefaultTransport], with
// connections of its own. A base that is a Transport into the same queue is
// replaced, not wrapped again: one call makes one entry. No limit is set and no
// call shortened, whatever opts says about limits; nil opts mean the defaults.
func NewTransport(base http.RoundTripper, q *sink.Queue, opts *Options) (*Transport, error) {
	t, _, err := newTransport(base, q, opts)
	return t, err
}

// newTransport also reports whether the base is a clone made here.
func newTransport(base http.RoundTripper, q *sink.Queue, opts *Options) (t *Transport, own bool, err error) {
	if q == nil {
		return nil, false, ErrNoQueue
	}
	o, err := opts.settled()
	if err != nil {
		return nil, false, err
	}
	if base == nil {
		base = http.DefaultTransport
		if d, ok := base.(*http.Transport); ok {
			base, own = d.Clone(), true
		}
	}
	if ours, ok := base.(*Transport); ok && ours != nil && ours.queue == q {
		base = ours.base
	}
	return &Transport{base: base, queue: q, pool: q.Buffers(), opts: o, traceKey: findTraceKey()}, own, nil
}

// Unwrap returns the base transport.
func (t *Transport) Unwrap() http.RoundTripper { return t.base }

// CloseIdleConnections forwards to the base, so that [http.Client]'s works.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper]. The request is not changed; of the
// response only Body is replaced, and Request names req as the base would have it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	// A request without URL or headers is an error that the base shall put in its
	// own words.
	if req.URL == nil || req.Header == nil || sink.Unrecorded(ctx) {
		return t.base.RoundTrip(req)
	}
	c := t.begin(ctx, req)
	out := c.stamp(ctx, req)
	if c.skip {
		resp, err := t.base.RoundTrip(out)
		return restore(resp, out, req), err
	}
	c.captureRequest(out)
	returned := false
	defer func() {
		if !returned {
			c.panicked() // the panic goes on unchanged
		}
	}()
	resp, err := t.base.RoundTrip(out)
	returned = true
	if err != nil {
		c.failed(err)
		return restore(resp, out, req), err
	}
	if resp == nil {
		return nil, nil // against the contract, and the client's to say
	}
	c.responded(resp)
	return restore(resp, out, req), nil
}

// restore makes the response name the caller's request, as net/http's does.
func restore(resp *http.Response, sent, req *http.Request) *http.Response {
	if resp != nil && resp.Request == sent {
		resp.Request = req
	}
	return resp
}

func (t *Transport) now() time.Time {
	if t.opts.Now == nil {
		return time.Now()
	}
	return t.opts.Now()
}

// begin makes the call's state. What the caller may change once RoundTrip has
// returned is copied now.
func (t *Transport) begin(ctx context.Context, req *http.Request) *call {
	c := &call{t: t, ctx: ctx, start: t.now(), span: t.opts.Propagator.Minter().Span(), method: req.Method}
	c.cancel = req.Cancel //nolint:staticcheck // deprecated for callers; http.Client still sets it for transports it does not know
	if c.method == "" {
		c.method = http.MethodGet
	}
	scope, ok := txid.FromContext(ctx)
	if ok {
		c.parent = scope.Span
	}
	if h, found := t.hops.of(req); found {
		c.hopOf, c.hop = h.span, h.hop+1
		if !ok {
			scope = h.scope
		}
	}
	if a, found := ctx.Value(attemptKey{}).(*attempts); found && c.hop == 0 {
		if scope == nil {
			scope = t.opts.Propagator.Start(c.start)
		}
		var shared *txid.Scope
		c.resent, c.attemptOf, shared = a.next(c.span, scope)
		if !ok {
			scope = shared
		}
	}
	if scope == nil {
		scope = t.opts.Propagator.Start(c.start)
	}
	c.scope = scope
	c.skip = t.opts.Skip != nil && t.opts.Skip(req)
	if d, has := ctx.Deadline(); has {
		c.deadline = max(d.Sub(c.start), 1)
	}
	c.req.max, c.resp.max = t.opts.MaxBody, t.opts.MaxBody
	return c
}

// stamp returns the request to send: a shallow copy, so that trailers that the
// caller fills in while the body is read are seen, with headers of its own where
// we write any.
func (c *call) stamp(ctx context.Context, req *http.Request) *http.Request {
	if !c.skip {
		ctx = c.trace(ctx, req.URL.Scheme == "https")
	}
	out := req.WithContext(ctx)
	p := c.t.opts.Propagator
	if p.Allows(req.URL.Host) {
		c.stamps.copy(req.Header, c.scope)
		p.Inject(c.scope, c.span, &c.stamps)
		out.Header = c.stamps.header
	} else {
		c.notSent = true
	}
	if c.skip {
		return out
	}
	c.trailer = req.Trailer
	c.reqHeaders = headers(out.Header)
	c.reqType = first(out.Header, "Content-Type")
	c.reqEncoding = first(out.Header, "Content-Encoding")
	c.url = req.URL.String()
	c.http = entry.HTTP{
		Method: c.method, URL: c.url, UserAgent: first(out.Header, "User-Agent"), Referer: first(out.Header, "Referer"),
		ResendCount: c.resent, Deadline: c.deadline,
	}
	c.http.ServerAddress, c.http.ServerPort = server(req.URL)
	if c.t.opts.Route != nil {
		c.http.Route = c.t.opts.Route(req)
	}
	return out
}

// responded takes in the response's head and puts the tee in place, or makes the
// entry at once where no body will come.
func (c *call) responded(resp *http.Response) {
	c.t.hops.note(resp, c)
	d := c.since()
	hs := headers(resp.Header)
	c.mu.Lock()
	c.m.response, c.m.last = d, d
	c.status, c.proto, c.respHeaders = resp.StatusCode, resp.Proto, hs
	c.respType, c.respEncoding = first(resp.Header, "Content-Type"), first(resp.Header, "Content-Encoding")
	c.cacheHit = txid.FromCache(resp.Header)
	c.respLength = resp.ContentLength
	if binaryType(c.respType) {
		c.resp.max, c.respReason = 0, reasonBinary
	}
	c.mu.Unlock()

	if rw, ok := resp.Body.(io.ReadWriteCloser); ok {
		c.bodyless = true
		c.finishAt(outcome{}, d)
		resp.Body = wrapDuplex(rw, newUpgraded(c))
		return
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		c.bodyless = true
		c.finishAt(outcome{}, d)
		return
	}
	c.mu.Lock()
	c.resp.expect(c.t.pool, resp.ContentLength)
	c.response = resp
	c.mu.Unlock()
	c.body = responseBody{inner: resp.Body, call: c}
	resp.Body = &c.body
	if c.ctx.Done() != nil {
		stop := context.AfterFunc(c.ctx, c.abandoned)
		c.mu.Lock()
		c.stop = stop
		c.mu.Unlock()
	}
}

// first returns a header's first value; name is in canonical form.
func first(h http.Header, name string) string {
	if vs := h[name]; len(vs) > 0 {
		return vs[0]
	}
	return ""
}
