package txtrail

import (
	"sync/atomic"

	"github.com/txtrail/txtrail/sink"
)

// lazyInFlight is the list of the requests in flight of a journal that may not be open
// yet: until then nothing is listed.
type lazyInFlight struct {
	list atomic.Pointer[sink.InFlight]
}

// Begin implements [sink.InFlight].
func (l *lazyInFlight) Begin(r sink.InFlightRequest) sink.InFlightSlot {
	if p := l.list.Load(); p != nil {
		return (*p).Begin(r)
	}
	return nil
}
