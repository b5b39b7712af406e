package middleware

import (
	"context"
	"net/http"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

// Detail is how much of an exchange is kept.
type Detail = entry.Detail

// The details, from least to most.
const (
	None  = entry.DetailNone  // nothing: it is counted in the queue's Stats as declined
	Brief = entry.DetailBrief // everything but the bodies' content
	Full  = entry.DetailFull  // everything
)

// Strategy decides how much of an exchange is kept, when it has ended and all is
// known of it: e is the entry in the making, not sanitized yet, without what OnEntry
// will add. It must not be changed or kept. A Strategy runs on the request's path,
// in many goroutines at once; a panic in it counts as [Full].
//
// It is asked for entries of kind server, and of kind stream when a hijacked
// connection is closed. [outbound.Options].Keep takes one too: give a service's calls the
// strategy of its requests, where hops are to be kept or left out together.
//
// [outbound.Options]: https://pkg.go.dev/github.com/txtrail/txtrail/outbound#Options
type Strategy func(e *entry.Entry) Detail

// Always gives every exchange the same detail.
func Always(d Detail) Strategy { return func(*entry.Entry) Detail { return d } }

// OnError keeps in full what failed, and nothing of the rest: a status of 500 and
// more, a panic, a client that went away, whatever has an error.
func OnError() Strategy { return when((*entry.Entry).Failed) }

// SlowerThan keeps in full what took at least d, and nothing of the rest.
func SlowerThan(d time.Duration) Strategy {
	return when(func(e *entry.Entry) bool { return e.Latency >= d })
}

// OnStatus keeps in full what was answered with a status from low to high, and
// nothing of the rest: OnStatus(400, 599).
func OnStatus(low, high int) Strategy {
	return when(func(e *entry.Entry) bool { return e.HTTP.Status >= low && e.HTTP.Status <= high })
}

// OnRoute keeps in full what matched one of the routes, in the way of
// [CaptureRule].Route ("/items/{id}", "POST /login", "/admin/*"), and nothing of
// the rest.
func OnRoute(routes ...string) Strategy {
	ps := make([]capture.RoutePattern, len(routes))
	for i, r := range routes {
		ps[i] = capture.NewRoutePattern(r)
	}
	return when(func(e *entry.Entry) bool {
		for _, p := range ps {
			if p.Match(e.HTTP.Method, e.HTTP.Route) {
				return true
			}
		}
		return false
	})
}

// Sampled keeps a share of the scenarios in full, 0 none and 1 all of them, and
// nothing of the rest. It goes by the transaction ID, see [txid.ID.Sampled]: all
// services with the same share keep the same scenarios, and those with a larger
// share these too.
func Sampled(share float64) Strategy {
	return when(func(e *entry.Entry) bool { return e.TxID.Sampled(share) })
}

func when(keep func(*entry.Entry) bool) Strategy {
	return func(e *entry.Entry) Detail {
		if keep(e) {
			return Full
		}
		return None
	}
}

// Most gives what the most generous of strategies gives: [None] without any. Nil
// ones are ignored.
//
//	Keep: middleware.Most(middleware.OnError(), middleware.Sampled(0.01), middleware.Always(middleware.Brief))
func Most(strategies ...Strategy) Strategy {
	strategies = append([]Strategy(nil), strategies...)
	return func(e *entry.Entry) Detail {
		d := None
		for _, s := range strategies {
			if d == Full {
				break
			}
			if s != nil {
				d = max(d, s(e))
			}
		}
		return d
	}
}

// Least gives what the most frugal of strategies gives: [Full] without any. Nil
// ones are ignored.
//
//	middleware.Least(middleware.Sampled(0.1), middleware.OnRoute("/search")) // a tenth of the searches
func Least(strategies ...Strategy) Strategy {
	strategies = append([]Strategy(nil), strategies...)
	return func(e *entry.Entry) Detail {
		d := Full
		for _, s := range strategies {
			if d == None {
				break
			}
			if s != nil {
				d = min(d, s(e))
			}
		}
		return d
	}
}

// Keep asks that ctx's exchange be kept in full whatever [Options.Keep] says, and
// so do its callers and the services it calls from now on: see [txid.HeaderKeep].
func Keep(ctx context.Context) {
	if s, ok := txid.FromContext(ctx); ok {
		s.Keep()
	}
}

// Keep implements [txid.Keeper].
func (r *recorder) Keep() {
	r.kept.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		r.stream.Keep()
	}
}

// Kept implements [txid.Keeper].
func (r *recorder) Kept() bool { return r.kept.Load() && !r.NoEscalation }

// detail asks the strategy about e, which nobody else has yet.
func (c *config) detail(e *entry.Entry, escalated bool) Detail {
	if c.Options.Keep == nil {
		return Full
	}
	d := c.askKeep(e)
	if d < Full && escalated {
		e.AddFlag(entry.FlagEscalated)
		d = Full
	}
	return d
}

func (c *config) askKeep(e *entry.Entry) (d Detail) {
	defer func() {
		if v := recover(); v != nil {
			c.report("Keep", v)
			d = Full
		}
	}()
	return min(c.Options.Keep(e), Full)
}

// brief takes the content out of e's bodies.
func (c *config) brief(e *entry.Entry) {
	for _, b := range [...]*entry.Body{&e.Request.Body, &e.Response.Body} {
		if b.Raw == nil {
			continue
		}
		c.pool.Put(b.Raw)
		b.Raw, b.Truncated, b.Reason = nil, true, reasonBrief
	}
}

// keepHeader tells the caller, if it is one that records, that something has failed
// here or further down. The lock is held.
func (ex *exchange) keepHeader(h http.Header) bool {
	if !(*recorder)(ex).Kept() || ex.ctx.Scope.Parent == 0 || h[txid.HeaderKeep] != nil {
		return false
	}
	h[txid.HeaderKeep] = []string{txid.KeepValue}
	ex.told = true
	return true
}

// mayAsk reports whether the request comes from where it may be asked by
// [txid.HeaderKeep] to keep it.
func (ex *exchange) mayAsk(r *http.Request) bool {
	if len(ex.KeepFrom) == 0 || ex.ctx.Scope.Origin == txid.OriginMinted {
		return false
	}
	addr, ok := parseAddr(hostOf(r.RemoteAddr))
	return ok && contains(ex.KeepFrom, addr)
}
