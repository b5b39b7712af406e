package sink

import (
	"time"

	"github.com/txtrail/txtrail/txid"
)

// InFlight lists what is being worked on in a place that outlives the process, so that
// afterwards it is known what the dead were doing. A journal has one:
// (*journalsink.Journal).InFlight.
//
// Begin runs on the request's path: it must not wait and is called by many goroutines
// at once. It returns nil for what it can not list, for lack of room or for good; it
// keeps nothing of the request but copies.
type InFlight interface {
	Begin(InFlightRequest) InFlightSlot
}

// InFlightRequest is what is listed of a request.
type InFlightRequest struct {
	ID           txid.ID
	Span, Parent txid.SpanID
	Start        time.Time
	Method       string
	// Path is the request's path, not sanitized: what of it may be written down is the
	// list's to decide. Route is its pattern, "" while that is not known.
	Path, Route string
	// Stream is set for a connection that the handler has taken over. Span is then
	// that of its stream entry, and Parent the request's.
	Stream bool
}

// InFlightSlot is a request's place in the list. Its methods must not wait. SetRoute
// may be called at any time until End, End once.
type InFlightSlot interface {
	SetRoute(route string)
	// End takes the request off the list: it has ended, and its entry is on its way.
	End()
}
