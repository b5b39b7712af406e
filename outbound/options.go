package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/txid"
)

// The defaults of [Options].
const (
	DefaultMaxBody       = 64 << 10         // bytes captured of each body
	DefaultDialTimeout   = 5 * time.Second  // a SYN is resent after 1, 3 and 7 s: two chances
	DefaultTLSTimeout    = 5 * time.Second  // two round trips and a signature
	DefaultHeaderTimeout = 30 * time.Second // what load balancers allow a backend by default
)

// ErrOptions is returned, wrapped, by the constructors for arguments that can not work:
// a nil queue, or options.
var ErrOptions = errors.New("outbound: invalid options")

// Options configure a [Transport], [NewClient] and [Wrap]. The zero value, and a
// nil pointer, mean the defaults.
type Options struct {
	// Propagator writes the txid into calls and decides to which hosts.
	// Default txid.NewPropagator(nil): private hosts only.
	Propagator *txid.Propagator
	// MaxBody is how many bytes are captured of each body, at most [entry.MaxBody], 8 MiB.
	// Default [DefaultMaxBody]; -1 captures none. Sizes are always recorded.
	MaxBody int
	// Capture says how much is kept of which bodies; the first rule that matches is
	// taken, and MaxBody where none does. Default none. See [CaptureRule].
	Capture []CaptureRule
	// Skip names calls that are not recorded; the txid is sent all the same.
	// A panic in it counts as
	// false. Default none. See [Untraced] for calls that must not be touched at all.
	Skip func(*http.Request) bool
	// Keep decides, when a call has ended, how much of it is kept; what is not is counted
	// in the queue's Stats as declined. A [middleware.Strategy] can be used: one of
	// samples leaves out the same scenarios on both sides. It is asked for entries of kind
	// client, and of kind stream when an upgraded connection is closed. The entry is not
	// sanitized yet, and must not be changed or kept. Calls of an exchange that is kept in
	// full, since it failed or somebody asked for it (see [txid.Scope.Kept]), are kept
	// whatever Keep says. It runs on the call's path; a panic in it counts as
	// [entry.DetailFull]. Default nil: everything.
	//
	// [middleware.Strategy]: https://pkg.go.dev/github.com/txtrail/txtrail/middleware#Strategy
	Keep func(e *entry.Entry) entry.Detail
	// KeepFrom are the hosts that may ask, by [txid.HeaderKeep] in a response, to keep
	// the request in full that the call is made for, whatever its middleware's
	// strategy says. List services of your own. Default: the hosts that get the txid.
	KeepFrom *txid.Hosts
	// Dependencies describe the services that are called: names, route templates,
	// quotas. A call to a host that none of them matches is recorded all the same.
	// Default none.
	Dependencies []Dependency
	// Route names the template of a call's URL, "/v1/users/{id}", where the Routes
	// of its Dependency do not do; what it leaves empty they fill in. Default none.
	Route func(*http.Request) string
	// OnEntry sees each entry before it is handed over, and may add to it. It runs
	// on the call's path and must not keep the entry. Default none.
	OnEntry func(ctx context.Context, e *entry.Entry)
	// OnError is told when one of the functions above panicked; the call was made all
	// the same. It must be safe for concurrent use. Default: a warning by slog's
	// default logger, at most one in 10 s.
	OnError func(error)
	// Now is the clock. Default [time.Now].
	Now func() time.Time

	// DialTimeout, TLSTimeout and HeaderTimeout are the limits that [NewClient]
	// and [Wrap] set; [NewTransport] sets none, whatever stands here. Header is
	// the wait from the request's last byte to the response's headers. Default
	// [DefaultDialTimeout], [DefaultTLSTimeout], [DefaultHeaderTimeout]; a
	// negative value sets no limit.
	DialTimeout   time.Duration
	TLSTimeout    time.Duration
	HeaderTimeout time.Duration
}

// settled returns a copy with the defaults filled in.
func (o *Options) settled() (Options, error) {
	var s Options
	if o != nil {
		s = *o
	}
	if s.MaxBody < -1 || s.MaxBody > entry.MaxBody {
		return s, fmt.Errorf("%w: MaxBody is %d, want -1 for none, 0 for the default of %d, or up to %d bytes", ErrOptions, s.MaxBody, DefaultMaxBody, entry.MaxBody)
	}
	switch s.MaxBody {
	case 0:
		s.MaxBody = DefaultMaxBody
	case -1:
		s.MaxBody = 0
	}
	if s.Propagator == nil {
		p, err := txid.NewPropagator(nil)
		if err != nil {
			return s, fmt.Errorf("outbound: %w", err)
		}
		s.Propagator = p
	}
	if s.OnError == nil {
		s.OnError = (&report.Warner{}).Warn
	}
	s.DialTimeout = limit(s.DialTimeout, DefaultDialTimeout)
	s.TLSTimeout = limit(s.TLSTimeout, DefaultTLSTimeout)
	s.HeaderTimeout = limit(s.HeaderTimeout, DefaultHeaderTimeout)
	return s, nil
}

// limit returns the default for zero and zero (no limit) for less.
func limit(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return max(d, 0)
}
