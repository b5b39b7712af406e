package fibertx

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// Options configure [New]. The zero value, and a nil pointer, mean the defaults. They
// mean what the fields of the same name mean in [middleware.Options]; what that has
// beside them there is not here, such as Capture, Audit and InFlight.
//
// Functions that take a [http.Request] get one made of the fiber request: method, URL,
// headers, host, addresses, protocol and length, without a body.
type Options struct {
	// Propagator reads the ID and the carried facts of a request; its Trust is asked.
	// Default txid.NewPropagator(nil).
	Propagator *txid.Propagator
	// MaxBody is how many bytes of each body are captured; sizes are counted always.
	// At most [entry.MaxBody], 8 MiB. Default [middleware.DefaultMaxBody]; -1
	// captures none.
	MaxBody int
	// Skip says which requests are not recorded; their ID is in the context,
	// forwarded and returned all the same. [middleware.SkipNoise] is ready-made. A
	// panic in it counts as false. Default nil: none.
	Skip func(*http.Request) bool
	// Keep decides at the end how much of an exchange is kept. Default nil: everything.
	Keep middleware.Strategy
	// KeepFrom are the networks whose requests may ask, by [txid.HeaderKeep], to be
	// kept in full whatever Keep says. Default none.
	KeepFrom []netip.Prefix
	// NoEscalation leaves the decision to Keep alone; by default what failed is kept
	// in full, and the caller told so. Default false.
	NoEscalation bool
	// ReturnID says on which responses the ID is returned. Default
	// [middleware.ReturnAuto].
	ReturnID middleware.ReturnID
	// ErrorLink makes the URL that is put into [middleware.HeaderErrorLink] of
	// responses with a status of 400 and more that ReturnID lets tell the ID; an empty
	// string puts none. Not for production. Default nil.
	ErrorLink func(txid.ID) string
	// TrustedProxies are the networks of the load balancers before this service, whose
	// ProxyHeader is believed; fiber's own setting for proxies is not asked, which may
	// trust everybody. Default none.
	TrustedProxies []netip.Prefix
	// ProxyHeader is the header that TrustedProxies write; it is the only one that is
	// read. Default [middleware.XForwardedFor].
	ProxyHeader middleware.ProxyHeader
	// OnEntry is called with the handler's context before an entry is enqueued. The
	// entry is not sanitized yet; it must not be kept. Default nil.
	OnEntry func(ctx context.Context, e *entry.Entry)
	// OnError is told when one of the functions above panicked; the request was
	// served all the same. It must be safe for concurrent use. Default: a warning
	// by slog's default logger, at most one in 10 s.
	OnError func(error)
	// Now is the clock. Default [time.Now].
	Now func() time.Time
}

// compile checks o and returns a copy with the defaults filled in.
func (o *Options) compile(q *sink.Queue) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	// The rules are the middleware's.
	if _, err := middleware.New(q, &middleware.Options{
		MaxBody: c.MaxBody, ReturnID: c.ReturnID, TrustedProxies: c.TrustedProxies, ProxyHeader: c.ProxyHeader, KeepFrom: c.KeepFrom,
	}); err != nil {
		return c, fmt.Errorf("fibertx: %w", err)
	}
	c.TrustedProxies = append([]netip.Prefix(nil), c.TrustedProxies...)
	c.KeepFrom = append([]netip.Prefix(nil), c.KeepFrom...)
	switch c.MaxBody {
	case 0:
		c.MaxBody = middleware.DefaultMaxBody
	case -1:
		c.MaxBody = 0
	}
	if c.Propagator == nil {
		p, err := txid.NewPropagator(nil)
		if err != nil {
			return c, fmt.Errorf("fibertx: %w", err)
		}
		c.Propagator = p
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnError == nil {
		c.OnError = (&warner{now: c.Now}).warn
	}
	return c, nil
}
