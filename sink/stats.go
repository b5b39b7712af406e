package sink

import "time"

// The reasons for which a captured entry is not delivered, as in
// [Stats].Dropped and in gap entries.
const (
	DropFull     = "queue full" // there was no room in memory: the sink is too slow or down
	DropRefused  = "refused"    // the sink refused it for good
	DropSinkDown = "sink down"  // one sink of a Fanout went without it; the others have it
	DropClosed   = "closed"     // enqueued after Close, or not delivered by Close's deadline
	DropInvalid  = "invalid"    // nil, sealed before, or impossible to encode
)

// reason indexes the counters, so that counting a drop needs no map.
type reason uint8

const (
	reasonFull reason = iota
	reasonRefused
	reasonSinkDown
	reasonClosed
	reasonInvalid
	numReasons
)

var reasonNames = [numReasons]string{DropFull, DropRefused, DropSinkDown, DropClosed, DropInvalid}

func (r reason) String() string { return reasonNames[r] }

// Stats is a queue's account, taken at one moment. At every moment
//
//	Captured = Delivered + Waiting + the sum of Dropped
//
// Gap entries, which the queue writes itself, are counted apart, and so is what was
// never captured because a strategy left it out.
type Stats struct {
	Captured  int64            // entries given to Enqueue
	Delivered int64            // entries the sink accepted
	Waiting   int64            // entries in memory, those being written included
	Dropped   map[string]int64 // entries that will not be delivered, by reason (the Drop constants); only reasons that occurred

	// Declined counts the exchanges that a middleware's or transport's strategy left
	// out on purpose: see [Queue.Decline]. They are not in Captured.
	Declined int64

	// Blocked counts the calls of Enqueue that had to wait for room, and BlockedTime
	// is how long they waited in all: see QueueOptions.BlockFor.
	Blocked     int64
	BlockedTime time.Duration
	// Awaited counts the entries that somebody waited for until the sink had them, and
	// AwaitTimeouts those that nobody could wait for any longer: see [Queue.Deliver].
	Awaited       int64
	AwaitTimeouts int64

	WaitingBytes int64 // estimate of the memory that waiting entries hold
	MaxBytes     int64 // its bound

	Gaps     int64 // gap entries the sink accepted
	GapsLost int64 // gap entries that it refused or that Close had to leave
	Batches  int64 // batches the sink accepted, whole or in part
	Retries  int64 // further attempts to write a batch
	// Unclean counts the entries of which something was left out because the
	// sanitizer failed on it.
	Unclean int64

	LastError     string    // the last error of the sink, "" if there was none
	LastErrorTime time.Time // when
}

// DroppedTotal is the sum of Dropped.
func (s Stats) DroppedTotal() int64 {
	var sum int64
	for _, n := range s.Dropped {
		sum += n
	}
	return sum
}
