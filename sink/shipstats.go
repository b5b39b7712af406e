package sink

import "time"

// The reasons, beside [DropRefused], for which a [Ship] does not deliver an entry.
const (
	DropRetention = "retention" // the spool's bounds removed it before the sink took it
	DropDamaged   = "damaged"   // it can not be read in the spool any more
)

// loss indexes a Ship's counters of drops.
type loss uint8

const (
	lossRefused loss = iota
	lossRetention
	lossDamaged
	numLosses
)

var lossNames = [numLosses]string{DropRefused, DropRetention, DropDamaged}

// Circuit says whether a [Ship] trusts its sink.
type Circuit string

// The states of a circuit.
const (
	CircuitClosed Circuit = "closed" // batches are sent as they come
	CircuitOpen   Circuit = "open"   // the sink keeps failing: it is tried with a few entries at a time
)

// ShipStats is a [Ship]'s account, taken at one moment. As for a [Queue], at every
// moment
//
//	Captured = Delivered + Waiting + the sum of Dropped
//
// where Captured are the entries for this sink that the Ship has seen in the Spool:
// those that waited when it began, of any process, and what came since. Dropped has
// the reasons [DropRefused], each with a dead letter, [DropRetention] and [DropDamaged].
// MaxBytes, Declined, Unclean, Blocked, BlockedTime, Awaited and AwaitTimeouts are not
// used.
type ShipStats struct {
	Stats

	Name     string        // of the sink
	Lag      time.Duration // age of the oldest entry that waits; 0 if none does
	Circuit  Circuit
	Failures int64 // attempts that failed since the last that did not
	// Standby: another process ships for this sink. Attached: this one does. Neither:
	// the Spool can not be used (yet), nothing is delivered, and LastError says why.
	Standby, Attached bool
	// Unknown: the Spool can not be looked at (yet). Waiting and Captured are what was seen
	// of it when it could, and more may be in it. A Spool that can not be used but counted,
	// see [Surveyor], is not Unknown.
	Unknown     bool
	DeadLetters int64 // dead letters kept
}

// Stats returns the account at this moment. It never waits for the sink or the disk.
func (h *Ship) Stats() ShipStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Name = h.opts.Name
	s.Dropped = make(map[string]int64, len(h.dropped))
	for i, n := range h.dropped {
		if n > 0 {
			s.Dropped[lossNames[i]] = n
		}
	}
	s.Waiting = h.inflight + h.backlog.Entries
	s.WaitingBytes = h.bytes + h.backlog.Bytes
	s.Captured = s.Delivered + s.Waiting + s.DroppedTotal()
	if s.Circuit == "" {
		s.Circuit = CircuitClosed
	}
	if s.Waiting > 0 && !h.oldest.IsZero() {
		s.Lag = max(0, h.opts.Now().Sub(h.oldest))
	}
	return s
}
