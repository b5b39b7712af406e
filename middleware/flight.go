package middleware

import (
	"net/http"

	"github.com/txtrail/txtrail/sink"
)

// list puts the exchange on the list of what is in flight.
func (ex *exchange) list(r *http.Request) {
	s := &ex.ctx.Scope
	ex.flight = ex.begun(sink.InFlightRequest{
		ID: s.ID, Span: s.Span, Parent: s.Parent, Start: ex.start,
		Method: r.Method, Path: pathOf(r), Route: patternPath(r.Pattern),
	})
}

// listConnection puts a connection that was taken on the list, in its exchange's place,
// whose entry is out already: until it is closed if that is watched, else until its
// handler returns.
func (ex *exchange) listConnection(s *stream, watched bool) {
	if ex.InFlight == nil {
		return
	}
	scope := &ex.ctx.Scope
	slot := ex.begun(sink.InFlightRequest{
		ID: scope.ID, Span: s.span, Parent: scope.Span, Start: s.start,
		Method: ex.req.Method, Path: pathOf(ex.req), Route: s.route, Stream: true,
	})
	ex.mu.Lock()
	slot, ex.flight = ex.flight, slot
	if watched {
		s.flight, ex.flight = ex.flight, nil
	}
	ex.mu.Unlock()
	ex.ended(slot)
}

func (c *config) begun(r sink.InFlightRequest) (slot sink.InFlightSlot) {
	defer func() {
		if v := recover(); v != nil {
			c.report("InFlight", v)
			slot = nil
		}
	}()
	return c.InFlight.Begin(r)
}

// ended takes something off the list. Its entry has been handed over, or written where
// that is waited for; before that, nobody else would tell of it.
func (c *config) ended(slot sink.InFlightSlot) {
	if slot == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.report("InFlight", v)
		}
	}()
	slot.End()
}

// routed tells the list which route it is. The lock is held, so that the slot is the
// exchange's own.
func (ex *exchange) routed(route string) {
	if ex.flight == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			ex.report("InFlight", v)
		}
	}()
	ex.flight.SetRoute(route)
}
