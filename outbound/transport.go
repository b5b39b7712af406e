package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// Transport is an [http.RoundTripper] that forwards the transaction ID and
// records each call. It is safe for concurrent use if its base is.
type Transport struct {
	base  http.RoundTripper
	queue *sink.Queue
	pool  *sink.BufferPool
	opts  Options
	rules capture.Rules
	deps  *dependencies // nil: none
	hops  hops
	watch watch
	// follows says that it is a client's, which follows redirects.
	follows bool
	// replaced is the Transport that this one took the place of, nil if none. It leaves
	// the redirects in claimed, by their request, to the one that took its place.
	replaced *Transport
	claimed  sync.Map
	peers    peers

	records records
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
		return nil, false, fmt.Errorf("%w: the queue is nil, want one from sink.NewQueue", ErrOptions)
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
	var replaced *Transport
	if ours, ok := base.(*Transport); ok && ours != nil && ours.queue == q {
		base, replaced = ours.base, ours
	}
	deps, err := compileDependencies(o.Dependencies)
	if err != nil {
		return nil, false, err
	}
	rules, err := compileRules(o.Capture, o.MaxBody)
	if err != nil {
		return nil, false, err
	}
	o.Dependencies, o.Capture = nil, nil
	return &Transport{base: base, queue: q, pool: q.Buffers(), opts: o, rules: rules, deps: deps, replaced: replaced, traceKey: findTraceKey()}, own, nil
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
	if t.opts.Skip != nil && t.skips(req) {
		out := c.stamp(ctx, req, &capture.Noted{})
		resp, err := t.base.RoundTrip(out)
		return restore(resp, out, req), err
	}
	out := c.prepare(ctx, req)
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
		c.failed(errNoResponse)
		return nil, nil // against the contract, and the client's to say
	}
	if t.follows {
		c.rec.location = unfollowable(req, resp)
	}
	c.responded(resp)
	return restore(resp, out, req), nil
}

// errNoResponse is that of a base transport which returns neither.
var errNoResponse = errors.New("the transport returned neither a response nor an error")

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

// begin makes the call's state, and finds the scenario that it belongs to.
func (t *Transport) begin(ctx context.Context, req *http.Request) *call {
	c := &call{t: t, ctx: ctx, start: t.now(), span: t.opts.Propagator.Minter().Span()}
	c.cancel = req.Cancel //nolint:staticcheck // deprecated for callers; http.Client still sets it for transports it does not know
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
	if d, has := ctx.Deadline(); has {
		c.deadline = max(d.Sub(c.start), 1)
	}
	return c
}

// prepare begins the entry and returns the request to send. What the caller may
// change once RoundTrip has returned is copied now.
func (c *call) prepare(ctx context.Context, req *http.Request) *http.Request {
	c.rec = c.t.newRecord()
	c.rec.Labels = c.rec.labels[:0]
	c.describe(req)
	c.stamps.fields.List = c.rec.requestRoom(len(req.Header) + added(c.scope))
	var seen capture.Noted
	out := c.stamp(c.trace(ctx, req.URL.Scheme == "https"), req, &seen)
	c.trailer = req.Trailer

	r, h := c.rec, &c.rec.HTTP
	r.Request.Headers = c.stamps.fields.List
	r.Request.Body.Type = capture.Bound(seen.Type, entry.MaxWord)
	r.Request.Body.ContentEncoding = capture.Bound(seen.Encoding, entry.MaxWord)
	h.UserAgent = capture.Bound(seen.UserAgent, entry.MaxMessage)
	h.Referer = capture.Bound(seen.Referer, entry.MaxURL)
	c.captureRequest(out, capture.ByteRange(seen.Range, seen.Type))
	return out
}

// describe says what is called.
func (c *call) describe(req *http.Request) {
	h := &c.rec.HTTP
	if h.Method = req.Method; h.Method == "" {
		h.Method = http.MethodGet
	}
	h.URL = capture.Bound(req.URL.String(), entry.MaxURL)
	h.ResendCount, h.Deadline = c.resent, c.deadline
	h.ServerAddress, h.ServerPort = server(req.URL)
	if c.t.opts.Route != nil {
		h.Route = c.routeOf(req)
	}
	if c.t.deps == nil {
		return
	}
	if c.dep = c.t.deps.find(h.ServerAddress, h.ServerPort); c.dep != nil {
		c.rec.Peer = c.dep.peer
		if h.Route == "" {
			h.Route = c.dep.routes.match(h.Method, req.URL)
		}
	}
}

// report tells OnError that one of the user's functions panicked.
func (t *Transport) report(which string, v any) {
	report.Panic(t.opts.OnError, "outbound", which, v)
}

// skips asks Skip. A panic in it must not fail the call, which is then recorded.
func (t *Transport) skips(req *http.Request) (skip bool) {
	defer func() {
		if v := recover(); v != nil {
			t.report("Skip", v)
			skip = false
		}
	}()
	return t.opts.Skip(req)
}

// routeOf asks Route. A panic in it leaves the call without a route.
func (c *call) routeOf(req *http.Request) (route string) {
	defer func() {
		if v := recover(); v != nil {
			route = ""
			c.t.report("Route", v)
		}
	}()
	return c.t.opts.Route(req)
}

// stamp returns the request to send: a shallow copy, so that trailers that the
// caller fills in while the body is read are seen, with headers of its own where
// we write any. It notes the headers that are sent.
func (c *call) stamp(ctx context.Context, req *http.Request, seen *capture.Noted) *http.Request {
	out := req.WithContext(ctx)
	p := c.t.opts.Propagator
	if p.Allows(req.URL.Host) {
		c.stamps.copy(req.Header, c.scope, seen)
		p.Inject(c.scope, c.span, &c.stamps)
		out.Header = c.stamps.header
		return out
	}
	c.notSent = true
	c.stamps.fields.List = capture.AppendFields(c.stamps.fields.List, req.Header, seen)
	return out
}

// responded takes in the response's head and puts the tee in place, or makes the
// entry at once where no body will come.
func (c *call) responded(resp *http.Response) {
	c.t.hops.note(resp, c)
	d := c.since()
	c.respHead(resp)
	c.mu.Lock()
	c.m.response, c.m.last = d, d
	c.mu.Unlock()

	rw, writable := resp.Body.(io.ReadWriteCloser)
	if writable && c.switched(resp.StatusCode) {
		c.bodyless = true
		conn := newUpgraded(c)
		c.finishAt(outcome{}, d)
		resp.Body = wrapDuplex(rw, conn)
		return
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		c.bodyless = true
		c.finishAt(outcome{}, d)
		return
	}
	c.inner = resp.Body
	c.mu.Lock()
	c.response = resp
	c.mu.Unlock()
	resp.Body = (*responseBody)(c)
	if writable {
		resp.Body = keepWrite((*responseBody)(c), rw)
	}
	if c.ctx.Done() != nil {
		c.t.watch.add(c)
	}
}

// switched reports whether an answer turns the connection into something else (RFC 9110,
// sections 15.2.2 and 9.3.6).
func (c *call) switched(status int) bool {
	return status == http.StatusSwitchingProtocols || status/100 == 2 && c.rec.HTTP.Method == http.MethodConnect
}

// respHead puts the response's head into the entry, which nobody else has yet.
func (c *call) respHead(resp *http.Response) {
	r := c.rec
	r.HTTP.Status, r.HTTP.Protocol = resp.StatusCode, resp.Proto
	var seen capture.Noted
	var id requestID
	fields := capture.Fields{List: r.responseRoom(len(resp.Header))}
	for name, vs := range resp.Header {
		if len(vs) > 0 {
			seen.Note(name, vs[0])
			id.note(name, vs[0])
		}
		fields.Add(name, vs)
	}
	r.Response.Headers = fields.List
	if c.dep != nil && c.dep.requestID != nil {
		id.value = c.dep.idOf(resp.Header)
	}
	if seen.Keep && c.mayAsk() {
		c.scope.Keep()
	}
	if id.value != "" {
		r.Labels = append(r.Labels, entry.Label{Name: entry.LabelPeerRequestID, Value: capture.Bound(id.value, entry.MaxLabelValue)})
	}
	r.HTTP.CacheHit = seen.Cached && txid.FromCache(resp.Header)
	c.respLength = resp.ContentLength
	b := &r.Response.Body
	b.Type, b.ContentEncoding = capture.Bound(seen.Type, entry.MaxWord), capture.Bound(seen.Encoding, entry.MaxWord)
	c.choose(&c.resp, b, resp.ContentLength)
	if resp.StatusCode == http.StatusPartialContent && capture.ByteRange(seen.Range, seen.Type) {
		c.resp.Partial()
	}
}

// mayAsk reports whether the host that was called may ask to keep the scenario.
func (c *call) mayAsk() bool {
	if from := c.t.opts.KeepFrom; from != nil {
		return from.Allows(c.rec.HTTP.ServerAddress)
	}
	return !c.notSent
}

// first returns a header's first value; name is in canonical form.
func first(h http.Header, name string) string {
	if vs := h[name]; len(vs) > 0 {
		return vs[0]
	}
	return ""
}
