package middleware

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// New returns a middleware that records into q. Nil opts mean the defaults; they
// are copied. The error wraps [ErrOptions] and names the field.
//
// Put it outermost, outside of whatever answers requests itself; inside of it
// only what must see the request before anybody else. Applied twice to a request,
// the outer one alone does the work. A nil handler is [http.DefaultServeMux], as
// for [http.Server].
func New(q *sink.Queue, opts *Options) (func(http.Handler) http.Handler, error) {
	if q == nil {
		return nil, fmt.Errorf("%w: the queue is nil, want one from sink.NewQueue", ErrOptions)
	}
	o, err := opts.compile()
	if err != nil {
		return nil, err
	}
	rules, err := compileRules(o.Capture, o.MaxBody)
	if err != nil {
		return nil, err
	}
	byRoute := slices.ContainsFunc(o.Capture, func(r CaptureRule) bool { return r.Route != "" })
	c := &config{Options: o, rules: rules, byRoute: byRoute, places: newPlaces(), queue: q, pool: q.Buffers(), header: o.Propagator.Header()}
	return func(next http.Handler) http.Handler {
		if next == nil {
			next = http.DefaultServeMux
		}
		return &handler{config: c, next: next}
	}, nil
}

// config is what all handlers of one middleware share. It is immutable, but for the pool
// and for what is found out once.
type config struct {
	Options
	rules   capture.Rules
	byRoute bool // some rule asks for the route
	queue   *sink.Queue
	pool    *sink.BufferPool
	header  string // under which the ID is returned

	places  places
	records records
	writers sync.Map // of the writers' types: whether it is the server's own, see byServer
}

type handler struct {
	*config
	next http.Handler
}

func (c *config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// since spares the second half of a clock's reading where the clock is the
// system's.
func (c *config) since(t time.Time) time.Duration {
	if c.Now != nil {
		return c.Now().Sub(t)
	}
	return time.Since(t)
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, inside := nested(r.Context())
	if inside {
		h.next.ServeHTTP(w, r)
		return
	}
	ex := h.enter(w, r, conn.reused())
	ex.serve(h.next, (*writer)(ex).wrap(), ex.own)
}

// enter begins an exchange. It has a frame of its own, some 250 bytes, since that of
// ServeHTTP lies under the handler's, of each idle WebSocket too.
//
//go:noinline
func (h *handler) enter(w http.ResponseWriter, r *http.Request, reused bool) *exchange {
	ex := &exchange{config: h.config, w: w, req: r, start: h.now()}
	ex.ctx.Context.Context = r.Context()
	seen := capture.Noted{Marks: h.Propagator.Marks()}
	trusts := !seen.Marks.Known() // somebody is to be asked, who may change the request
	if trusts {
		h.extract(&ex.ctx.Scope, r, seen.Marks, ex.start)
	}
	recorded := !h.skip(r)
	if recorded {
		ex.begin(r, &seen)
	} else {
		seen.Marks = txid.Marks{} // nobody has looked
	}
	if !trusts {
		h.extract(&ex.ctx.Scope, r, seen.Marks, ex.start)
	}
	if recorded {
		ex.ctx.Scope.Recorder = (*recorder)(ex)
		if seen.Keep && ex.mayAsk(r) {
			ex.kept.Store(true)
		}
		if ex.InFlight != nil {
			ex.list(r)
		}
		if reused {
			ex.rec.Flags = append(ex.rec.Flags, entry.FlagReused)
		}
	}
	ex.cameFrom(recorded, seen.Referer)
	ex.own = r.WithContext(&ex.ctx)
	if r.Body != nil && r.Body != http.NoBody {
		ex.body = r.Body
		ex.own.Body = (*body)(ex)
	}
	return ex
}

// cameFrom takes the page by which the user came in, where nobody has carried it: later
// the headers are the handler's.
func (ex *exchange) cameFrom(recorded bool, referer string) {
	s := &ex.ctx.Scope
	switch {
	case s.EntryPage != "":
	case s.Origin != txid.OriginMinted:
		if !recorded { // nobody has looked
			referer = first(ex.req.Header, "Referer")
		}
		s.EntryPage = refererPath(referer)
	case !recorded:
		s.EntryPage = ex.req.Method + " " + pathOf(ex.req)
	}
}

// serve runs the handler and lets its panic go on with the identical value, so
// that servers, tests and recovering middlewares see what they would have seen.
func (ex *exchange) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	stopped := false // a panic was stopped by recover
	defer func() {
		if !ex.returned && !stopped {
			// runtime.Goexit, as of a test's FailNow: nothing to pass on.
			ex.finish(outcome{goexit: true})
		}
	}()
	func() {
		defer func() {
			if ex.returned {
				return
			}
			if v := recover(); v != nil {
				stopped = true
				ex.finish(outcome{value: v, stack: stack(v)})
				// From in here, since the handler's frames are still on the stack for
				// whoever prints it.
				panic(v)
			}
		}()
		next.ServeHTTP(w, r)
		ex.returned = true
	}()
	if !ex.returned {
		// panic(nil) in a program with GODEBUG=panicnil=1: recover returned nil, and
		// yet we are here.
		stopped = true
		ex.finish(outcome{value: new(runtime.PanicNilError)})
		panic(nil) //nolint:govet // the identical value
	}
	ex.finish(outcome{})
}

// extract fills in s. A panic of the user's Trust counts as mistrust.
func (c *config) extract(s *txid.Scope, r *http.Request, m txid.Marks, now time.Time) {
	defer func() {
		if v := recover(); v != nil {
			c.report("Trust", v)
			*s = *c.Propagator.Extract(r.Header, now)
			s.ID, s.Origin, s.Parent = c.Propagator.Minter().At(now), txid.OriginMinted, 0
			s.Refused = "caller not trusted: Trust panicked"
		}
	}()
	c.Propagator.ExtractMarkedInto(s, r, m, now)
}

func (c *config) skip(r *http.Request) (skipped bool) {
	if c.Skip == nil {
		return false
	}
	defer func() {
		if v := recover(); v != nil {
			c.report("Skip", v)
			skipped = false
		}
	}()
	return c.Skip(r)
}

// link returns what ErrorLink says, or "".
func (c *config) link(id txid.ID) (url string) {
	defer func() {
		if v := recover(); v != nil {
			c.report("ErrorLink", v)
			url = ""
		}
	}()
	return c.ErrorLink(id)
}

// emit hands e over, as much of it as is to be kept. From here on it belongs to the
// queue.
func (ex *exchange) emit(e *entry.Entry) { ex.emitIn(&ex.ctx, e, (*recorder)(ex).Kept()) }

// emitIn is emit in a context that OnEntry is given. Escalated says that e is to be kept
// whatever the strategy says.
func (c *config) emitIn(ctx context.Context, e *entry.Entry, escalated bool) {
	switch c.detail(e, escalated) {
	case None:
		c.queue.Decline(e)
		return
	case Brief:
		c.brief(e)
	}
	c.enqueue(ctx, e, c.Audit && e.Kind == entry.KindServer)
}

// enqueue is emitIn for what no strategy is asked about. If it is audited it waits until
// the entry has been written; the queue counts what could not be waited for.
func (c *config) enqueue(ctx context.Context, e *entry.Entry, audited bool) {
	if c.OnEntry != nil {
		c.callOnEntry(ctx, e)
	}
	if audited {
		_ = c.queue.Deliver(e, c.AuditTimeout)
		return
	}
	c.queue.Enqueue(e)
}

func (c *config) callOnEntry(ctx context.Context, e *entry.Entry) {
	defer func() {
		if v := recover(); v != nil {
			c.report("OnEntry", v)
		}
	}()
	c.OnEntry(ctx, e)
}

// report tells OnError that one of the user's functions panicked.
func (c *config) report(which string, v any) {
	report.Panic(c.OnError, "middleware", which, v)
}
