package outbound

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

// Why a body is missing or cut, in [entry.Body.Reason], beside package capture's.
const (
	reasonUnread  = "unread"
	reasonBroken  = "broken off"
	reasonEnd     = "end not seen"
	reasonNotSent = "not sent"
	reasonSending = "not sent to its end"
	reasonUnsure  = "not known if sent"
	reasonOff     = "capture off"
)

// firstBuffer is the size of the first buffer for a body of unknown length: most
// JSON answers are smaller.
const firstBuffer = 4 << 10

// call is the state of one call, from RoundTrip to its entry; and under the names
// callContext and responseBody the context that is sent and the body that the
// caller reads. One allocation holds all of them. It is never pooled: net/http's
// goroutines and the caller may hold each for longer.
type call struct {
	// Set before the base transport is asked, read only from then on.
	t         *Transport
	ctx       context.Context // the caller's
	scope     *txid.Scope
	dep       *dependency // nil: not a listed one
	start     time.Time
	span      txid.SpanID
	parent    txid.SpanID
	hopOf     txid.SpanID // the hop whose redirect led here
	hop       int
	attemptOf txid.SpanID
	resent    int
	cancel    <-chan struct{} // Request.Cancel
	deadline  time.Duration   // 0: none
	reqLength int64           // of a wrapped body; 0 without one, -1 unknown
	notSent   bool            // the txid was kept from the host
	reqPeeked bool            // the request's body was looked at, not wrapped
	// What else was seen of it then.
	reqPlain    bool // it goes over HTTP/1 without TLS
	reqBelieved bool // an answer proves that it was sent
	reqWrong    bool // it has another length than declared
	stamps      stamps
	hooks       httptrace.ClientTrace
	sending     requestBody

	dial   atomic.Pointer[dialContext] // made when asked for
	traced atomic.Bool                 // the base transport has looked for hooks

	// Set when the response has come, before the caller has it.
	bodyless   bool          // HEAD, 204, 304, a length of 0, an upgrade
	inner      io.ReadCloser // the response's body
	respLength int64

	watched link // the watch's

	mu        sync.Mutex
	rec       *record // nil when handed over
	done      bool
	reqEOF    bool // the ends were seen
	respEOF   bool
	reqGen    int32
	m         marks
	trailer   http.Header // the request's, shared with the caller
	req, resp capture.Body
	reqErr    error          // what the caller's body said
	response  *http.Response // until the entry is made: its trailers come at EOF
	stop      func() bool    // takes the AfterFunc back
}

// outcome is how a call ended.
type outcome struct {
	err       error
	eof       bool // the response's body was read to its end
	closed    bool // or closed before
	abandoned bool // neither, and the context ended
	panicked  bool
	redirect  bool // a redirect that was not followed
}

// read is told of each Read of the response's body.
func (c *call) read(p []byte, n int, err error) {
	d := c.since()
	c.mu.Lock()
	if c.done {
		c.mu.Unlock()
		return
	}
	if n > 0 && n <= len(p) {
		capture.Add(&c.resp, c.t.pool, p[:n], firstBuffer)
		c.m.last = d
	}
	if err == io.EOF {
		c.m.last = d
		c.respEOF = true
		if len(c.response.Trailer) > 0 {
			c.rec.Response.Trailers = capture.AppendFields(nil, c.response.Trailer, nil) // complete with EOF
		}
	}
	c.mu.Unlock()
	switch err {
	case nil:
	case io.EOF:
		c.finishAt(outcome{eof: true}, d)
	default:
		c.settleTimeout()
		c.finish(outcome{err: err})
	}
}

// closed is told when the response's body has been closed.
func (c *call) closed() {
	c.mu.Lock()
	done := c.done // at EOF, as nearly always: spare the clock
	c.mu.Unlock()
	if !done {
		c.finish(outcome{closed: true})
	}
}

// abandoned is called when the context ended before the body did, or a little later.
func (c *call) abandoned() {
	now := c.since()
	if c.deadline != 0 && c.ctx.Err() == context.DeadlineExceeded {
		now = min(now, c.deadline)
	}
	c.finishAt(outcome{err: context.Cause(c.ctx), abandoned: true}, now)
}

// failed is called when the base transport returned an error.
func (c *call) failed(err error) {
	c.settleTimeout()
	c.finish(outcome{err: err})
}

// panicked is called when the base transport panics.
func (c *call) panicked() { c.finish(outcome{panicked: true}) }

// settleTimeout lets http.Client's own timer catch up. The client notices that its
// Timeout is over by a timer beside the context's deadline, which is the same
// moment; the bare transport's errors always find it noticed, and the error then
// says "Client.Timeout exceeded". A call that ends by that deadline therefore
// waits for the timer, which is due, for a few milliseconds at most.
func (c *call) settleTimeout() {
	if c.cancel == nil || c.ctx.Err() != context.DeadlineExceeded {
		return
	}
	t := time.NewTimer(settleFor)
	defer t.Stop()
	select {
	case <-c.cancel:
	case <-t.C: // the deadline is the caller's own, and the client's timer runs on
	}
}

const settleFor = 2 * time.Millisecond

// canceled reports whether the deprecated Request.Cancel was used, which is also
// how http.Client ends calls of transports it does not know.
func (c *call) canceled() bool {
	if c.cancel == nil {
		return false
	}
	select {
	case <-c.cancel:
		return true
	default:
		return false
	}
}

// finish makes the entry and hands it over, once.
func (c *call) finish(o outcome) { c.finishAt(o, c.since()) }

func (c *call) finishAt(o outcome, now time.Duration) {
	c.mu.Lock()
	if c.done {
		c.mu.Unlock()
		return
	}
	c.done = true
	stop, rec := c.stop, c.rec
	c.stop, c.rec, c.response, c.trailer = nil, nil, nil, nil
	c.m.traced = c.traced.Load()
	c.mu.Unlock()
	switch {
	case stop != nil:
		stop()
	case c.inner != nil && c.ctx.Done() != nil:
		c.t.watch.remove(c)
	}
	// With done set nobody writes to the call any more.
	c.conclude(rec, o, now)
	c.t.hand(c.ctx, c.scope, &rec.Entry)
}

// hand runs OnEntry and gives the entry to the queue, as much of it as is to be kept.
func (t *Transport) hand(ctx context.Context, scope *txid.Scope, e *entry.Entry) {
	switch t.detail(scope, e) {
	case entry.DetailNone:
		t.queue.Decline(e)
		return
	case entry.DetailBrief:
		t.brief(e)
	}
	if t.opts.OnEntry != nil {
		t.onEntry(ctx, e)
	}
	t.queue.Enqueue(e)
}

func (t *Transport) onEntry(ctx context.Context, e *entry.Entry) {
	defer func() {
		if v := recover(); v != nil {
			t.report("OnEntry", v)
		}
	}()
	t.opts.OnEntry(ctx, e)
}
