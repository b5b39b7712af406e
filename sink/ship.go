package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrLeft is returned, wrapped with how many, by [Ship.Close] when entries wait on in
// the [Spool]. They are not lost: the next Ship for that sink goes on with them.
var ErrLeft = errors.New("sink: entries wait in the spool for the next start")

// Ship delivers what waits in a [Spool] to one [Sink], for as long as it takes: a sink
// that is down for days gets everything once it is back, as far as the Spool's bounds
// go, and one that is down holds up nobody else. It outlives the process: the Spool
// remembers what the sink has got, and who comes next goes on from there. After a crash
// the last batch may come twice, under the same InsertIDs and times, by which
// destinations tell that they have it.
//
// One Ship at a time, of all processes, takes the entries for a sink from a Spool. The
// others stand by and take over when it ends, however it ends.
//
// What the sink refuses for good is kept as a [DeadLetter], and told of by a gap entry
// that the sink gets in its place. That a sink refuses an entry may be the entry's fault,
// or the sink's own: a credential that has expired. Only what it does with others tells.
// So an entry is given up when the sink
//
//   - has refused it and accepted others in one and the same Write, or
//   - has refused it in a Write of its own, accepted another one since, and then
//     refused it again in a Write of its own.
//
// A batch that is refused whole is divided until single entries are refused. Those are
// put aside, and what follows is tried, so that a few bad ones hold nobody up. When
// eight were refused in a row, or there is nothing else, the Ship waits, at the pace of
// its backoff, tries the oldest of them, and then one entry further on: the last of the
// batch, then the last of what would be the next batches. If the oldest is accepted, the
// sink has been mended, and all goes on in order. If the one further on is, those before
// it are bad. As long as neither is, all is kept, and OnError told so. Where nothing is
// further on, and a Flush or Close waits, the sink is asked with the last entry that it
// has accepted, which so comes to it twice. Accepted is what
// reached the sink: what a [Filter] before it has left out proves nothing.
//
// After five failures in a row the Ship sends only a few entries as a trial, at the
// pace of its backoff, until one succeeds ([CircuitOpen]).
//
// All methods are safe for concurrent use.
type Ship struct {
	opts   ShipOptions
	spool  Spool
	marker Marker   // the spool, if another process's progress is followed; else nil
	survey Surveyor // the spool, if it can tell what waits that can not be taken over; else nil
	sink   Sink
	report *reporter

	*ending
	wake chan struct{} // a token when the worker should look

	mu       sync.Mutex
	cut      context.CancelFunc // ends the Write that runs
	stats    ShipStats          // its maps and sums are made by Stats
	backlog  Backlog            // in the spool, not read yet
	inflight int64              // read, not settled
	bytes    int64              // of their lines
	dropped  [numLosses]int64
	drained  bool      // all is delivered that was there when Close began
	oldest   time.Time // of what waits; zero: unknown, or nothing does
	waiters  []*shipWaiter
}

// NewShip returns a running Ship from spool to s. Nil options are the defaults; they
// are copied. Close ends it, and closes s. The error wraps [ErrOptions]; s is then
// still the caller's. That the Spool can not be used (yet) is no error here: it is
// tried again, and told to OnError.
func NewShip(spool Spool, s Sink, opts *ShipOptions) (*Ship, error) {
	if spool == nil || s == nil {
		return nil, fmt.Errorf("%w: a Ship needs a spool and a sink, got nil", ErrOptions)
	}
	o, err := opts.complete(s)
	if err != nil {
		return nil, err
	}
	h := &Ship{
		opts:   o,
		spool:  spool,
		sink:   s,
		report: newReporter(o.OnError, o.Now),
		ending: newEnding(),
		wake:   make(chan struct{}, 1),
	}
	h.survey, _ = spool.(Surveyor)
	h.stats.Unknown = true
	if o.Follow {
		h.marker, _ = spool.(Marker)
	}
	go newShipper(h).run()
	return h, nil
}

// Name returns what the Spool remembers the sink by.
func (h *Ship) Name() string { return h.opts.Name }

// nudge makes the worker look.
func (h *Ship) nudge() {
	select {
	case h.wake <- struct{}{}:
	default: // it has a token already
	}
}

// urgent reports whether somebody waits for what is there.
func (h *Ship) urgent() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.isDraining() || len(h.waiters) > 0
}

// lost counts what will not be delivered. h.mu is held.
func (h *Ship) lost() (sum int64) {
	for _, n := range h.dropped {
		sum += n
	}
	return sum
}

// looked enters what the Spool holds.
func (h *Ship) looked(b Backlog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backlog, h.stats.Unknown = b, false
	if h.inflight > 0 {
		return
	}
	if b.Entries == 0 {
		h.oldest = time.Time{}
	} else if h.oldest.IsZero() {
		h.oldest = h.opts.Now()
	}
}

// unseen enters that the Spool can not be used, and if it can not be looked at either:
// what has come since is not known then.
func (h *Ship) unseen(err error, unknown bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Unknown = h.stats.Unknown || unknown
	h.stats.LastError, h.stats.LastErrorTime = err.Error(), h.opts.Now()
}

// took enters a batch that was read, of which the sink had some already.
func (h *Ship) took(b *SpoolBatch, rest Backlog, known int64) {
	h.mu.Lock()
	h.inflight = int64(len(b.Entries)-b.Gaps) - known
	h.stats.Delivered += known
	h.backlog = rest
	h.dropped[lossRetention] += b.Lost
	h.dropped[lossDamaged] += b.Damaged
	h.mu.Unlock()
	if b.Lost > 0 {
		h.report.report(classRetention, &DropError{Reason: DropRetention, Count: b.Lost})
	}
	if b.Damaged > 0 {
		h.report.report(classDamaged, &DropError{Reason: DropDamaged, Count: b.Damaged})
	}
}

// waits enters the entries of a batch that are not settled yet.
func (h *Ship) waits(pending []parcel, end time.Time) {
	var n, bytes int64
	var oldest time.Time
	for i := range pending {
		e := pending[i].entry
		if pending[i].gap {
			continue
		}
		n++
		bytes += int64(len(e.Line()))
		if oldest.IsZero() || e.Time.Before(oldest) {
			oldest = e.Time
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.inflight, h.bytes = n, bytes
	switch {
	case n > 0:
		h.oldest = oldest
	case h.backlog.Entries > 0:
		h.oldest = end // what follows is hardly older
	default:
		h.oldest = time.Time{}
	}
}
