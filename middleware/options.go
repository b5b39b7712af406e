package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// DefaultMaxBody is how many bytes are captured of each body.
const DefaultMaxBody = 64 << 10

// HeaderErrorLink is the response header that [Options.ErrorLink] fills.
const HeaderErrorLink = "X-Transaction-Link"

// DefaultAuditTimeout is how long [Options.Audit] waits.
const DefaultAuditTimeout = time.Second

const maxAuditTimeout = time.Minute

// ErrOptions is returned, wrapped, by [New] for arguments that can not work: a nil queue,
// or options.
var ErrOptions = errors.New("middleware: invalid options")

// ReturnID says on which responses the transaction ID is returned.
type ReturnID uint8

// The choices for [Options.ReturnID].
const (
	// ReturnAuto returns it except on a response that a shared cache may keep, by
	// the rule of [txid.SharedCacheable]: a cache would hand one user's ID to the
	// next. It is the default.
	ReturnAuto ReturnID = iota
	// ReturnAlways returns it on every response. For services with no cache before
	// them.
	ReturnAlways
	// ReturnNever keeps it out of responses. For services behind a cache that
	// ignores headers.
	ReturnNever
)

// Options configure [New]. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Propagator reads the ID and the carried facts of a request.
	// Default txid.NewPropagator(nil).
	Propagator *txid.Propagator
	// MaxBody is how many bytes of each body are captured; sizes are counted
	// always. At most [entry.MaxBody], 8 MiB. Default [DefaultMaxBody]; -1 captures none.
	MaxBody int
	// Capture says how much is kept of which bodies; the first rule that matches is
	// taken, and MaxBody where none does. Routes are often known only after a part of
	// the body has been read: until then the most is captured that any rule might ask
	// for, and cut at the end. Default none. See [CaptureRule].
	Capture []CaptureRule
	// Skip says which requests are not recorded; their ID is in the context,
	// forwarded and returned all the same. [SkipNoise], [SkipBots] and [AnySkip]
	// are ready-made. It must not change the request. A panic in it counts as false.
	// Default nil: none.
	Skip func(*http.Request) bool
	// Keep decides at the end how much of an exchange is kept; what is not is counted
	// in the queue's Stats as declined. See [Strategy]. Default nil: everything.
	Keep Strategy
	// KeepFrom are the networks whose requests may ask, by [txid.HeaderKeep], to be
	// kept in full whatever Keep says. It goes by the connection's own address. List
	// services of your own, and no proxy that passes strangers' headers on. Default
	// none.
	KeepFrom []netip.Prefix
	// NoEscalation leaves the decision to Keep alone. By default what failed (a
	// status of 500 or more, a panic) is kept in full whatever Keep says, and so is
	// what a service behind this one, [Keep] or a request from KeepFrom asks to keep;
	// and a caller that sends [txid.HeaderParent] is told in [txid.HeaderKeep] of the
	// response, if that is one on which ReturnID returns the ID: no cache shall tell it
	// to others. Default false.
	NoEscalation bool
	// ReturnID says on which responses the ID is returned. Default [ReturnAuto].
	ReturnID ReturnID
	// ErrorLink makes the URL under which the scenario can be looked at. It is put
	// in the header [HeaderErrorLink] of responses with a status of 400 and more that
	// ReturnID lets tell the ID; an empty string puts none. Leave it nil in production: it tells strangers
	// where you keep your logs. Default nil.
	ErrorLink func(txid.ID) string
	// TrustedProxies are the networks of the load balancers before this service.
	// The client's address is then the last one of ProxyHeader that is not in them, see
	// [ClientIP]. Default none: it is the connection's address.
	TrustedProxies []netip.Prefix
	// ProxyHeader is the header that TrustedProxies write; it is the only one that is
	// read. Default [XForwardedFor].
	ProxyHeader ProxyHeader
	// OnEntry is called with the request's context before an entry is enqueued,
	// for labels and links. The entry is not sanitized yet; it must not be kept. It
	// runs on the request's path. Default nil.
	OnEntry func(ctx context.Context, e *entry.Entry)
	// OnError is told when one of the functions above panicked; the request was
	// served all the same. It must be safe for concurrent use. Default: a warning
	// by slog's default logger, at most one in 10 s.
	OnError func(error)
	// InFlight lists the requests while they are served, in a place that outlives the
	// process: a journal's, see journalsink.Journal.InFlight. A request is taken off the
	// list when its entry has been handed to the queue (or written, with Audit); a
	// connection that the handler takes over when it is closed, or, where that can not be
	// seen (see Untouched), when the handler returns. Requests that Skip
	// leaves out are not listed. It costs 100 to 200 ns of CPU and no allocation a
	// request. Default nil: none.
	InFlight sink.InFlight
	// Audit makes ServeHTTP, and Hijack, return only when the exchange's entry has been
	// written by the queue's sink (see [sink.Queue.Deliver]), or AuditTimeout is over,
	// which the queue's Stats count. A response of up to some 4 KiB that was not flushed
	// reaches the client after that; what went out before can not be held back, and for
	// that there is InFlight. It costs each request a few hundred microseconds of
	// waiting, in which others share the write; a sink that fails costs it the whole
	// AuditTimeout. Default false.
	Audit bool
	// AuditTimeout bounds the waiting of Audit. At most 1 min. Default 1 s.
	AuditTimeout time.Duration
	// Untouched hands a hijacked connection to the handler as it is. By default it is
	// wrapped to count its bytes, and a stream entry tells of its life when it is closed;
	// the wrapper has all methods of [net.TCPConn], [tls.Conn], [net.UnixConn] or a
	// connection of golang.org/x/net/netutil.LimitListener, but it is none. Any other
	// connection is left as it is anyway. Of an untouched connection there is
	// no stream entry, and InFlight has it until its handler returns: if the process dies
	// after that, nothing says that it was open. Default false.
	Untouched bool
	// Now is the clock. Default [time.Now].
	Now func() time.Time
}

// compile checks o and returns a copy with the defaults filled in.
func (o *Options) compile() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	switch {
	case c.MaxBody == 0:
		c.MaxBody = DefaultMaxBody
	case c.MaxBody == -1:
		c.MaxBody = 0
	case c.MaxBody < -1 || c.MaxBody > entry.MaxBody:
		return c, fmt.Errorf("%w: MaxBody is %d, want 1 to %d, 0 for the default or -1 for none", ErrOptions, c.MaxBody, entry.MaxBody)
	}
	if c.ReturnID > ReturnNever {
		return c, fmt.Errorf("%w: ReturnID is %d, want ReturnAuto, ReturnAlways or ReturnNever", ErrOptions, c.ReturnID)
	}
	if c.ProxyHeader > Forwarded {
		return c, fmt.Errorf("%w: ProxyHeader is %d, want XForwardedFor or Forwarded", ErrOptions, c.ProxyHeader)
	}
	if c.AuditTimeout < 0 || c.AuditTimeout > maxAuditTimeout {
		return c, fmt.Errorf("%w: AuditTimeout is %s, want at most %s, or 0 for %s", ErrOptions, c.AuditTimeout, maxAuditTimeout, DefaultAuditTimeout)
	}
	if c.AuditTimeout == 0 {
		c.AuditTimeout = DefaultAuditTimeout
	}
	var err error
	if c.TrustedProxies, err = networks("TrustedProxies", c.TrustedProxies); err != nil {
		return c, err
	}
	if c.KeepFrom, err = networks("KeepFrom", c.KeepFrom); err != nil {
		return c, err
	}
	if c.Propagator == nil {
		p, err := txid.NewPropagator(nil)
		if err != nil {
			return c, err
		}
		c.Propagator = p
	}
	if c.OnError == nil {
		c.OnError = (&report.Warner{}).Warn
	}
	return c, nil
}

// networks returns a copy of nets.
func networks(field string, nets []netip.Prefix) ([]netip.Prefix, error) {
	for i, p := range nets {
		if !p.IsValid() {
			return nil, fmt.Errorf("%w: %s[%d] is not a network, want one such as 10.0.0.0/8", ErrOptions, field, i)
		}
	}
	return append([]netip.Prefix(nil), nets...), nil
}
