package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
)

const (
	// standbyPause is how often a Ship that stands by tries to take over.
	standbyPause = time.Second
	// lingerStep is how often the Spool is looked at while a batch gathers.
	lingerStep = 50 * time.Millisecond
	// restStep is how often it is looked at while a sink is away: so old the figures
	// may be.
	restStep = time.Second
)

// shipper is the goroutine of a Ship.
type shipper struct {
	h    *Ship
	feed Feed
	try  trial

	batch   SpoolBatch
	pending []*entry.Entry // of the batch, not settled, in order
	gaps    []bool         // beside it
	places  []int          // beside it: the index in the batch
	lent    []*entry.Entry // what Write gets: a sink that sorts or filters in place changes that
	letters []DeadLetter   // scratch
}

func newShipper(h *Ship) *shipper {
	return &shipper{
		h:     h,
		try:   newTrial(h.opts.MaxBatch),
		batch: SpoolBatch{MaxEntries: h.opts.MaxBatch, MaxBytes: h.opts.MaxBatchBytes, Heads: TakesLines(h.sink)},
	}
}

// run ships until Close.
func (w *shipper) run() {
	h := w.h
	defer close(h.done)
	if !w.attach() {
		return
	}
	for w.next() {
		left := w.deliver()
		w.commit()
		if left {
			break // the next start goes on with it
		}
	}
	if err := w.feed.Close(); err != nil {
		h.report.report(classSpool, fmt.Errorf("sink: %s: closing the spool: %w", h.opts.Name, err))
	}
	h.mu.Lock()
	h.stats.Attached = false
	h.mu.Unlock()
}

// attach takes over the entries for the sink. It returns false when Close has begun
// before it could.
func (w *shipper) attach() bool {
	h := w.h
	for attempt := 0; ; attempt++ {
		feed, err := w.h.spool.Attach(h.ctx, h.opts.Name)
		standby := errors.Is(err, ErrHeld)
		h.mu.Lock()
		h.stats.Standby, h.stats.Attached = standby, err == nil
		h.mu.Unlock()
		if standby {
			h.dismiss(ErrHeld) // who ships now will see to it
		}
		if err == nil {
			w.feed = feed
			return true
		}
		if h.isClosing() {
			return false
		}
		pause := standbyPause
		if !standby {
			pause = backoff(attempt, h.opts.RetryMin, h.opts.RetryMax)
			if !errors.Is(err, ErrClosed) { // which whoever closed it knows
				h.report.report(classSpool, fmt.Errorf("sink: %s: the spool can not be used, trying again in %s: %w",
					h.opts.Name, pause.Round(time.Millisecond), err))
			}
		}
		h.report.flush(false)
		if !h.rest(pause) {
			return false
		}
	}
}

// next reads a batch when there is a full one, or when what waits is old enough. It
// returns false when Close has begun and nothing waits.
func (w *shipper) next() bool {
	h := w.h
	var since time.Time // when the first of the batch was seen
	for faults := 0; h.ctx.Err() == nil; {
		seen, err := w.look()
		if err == nil && seen.Entries > 0 && w.ripe(seen, &since) {
			var got bool
			if got, err = w.read(); got {
				return true
			}
			seen = Backlog{} // counted, and not there
		}
		if err != nil {
			if h.isClosing() {
				return false
			}
			pause := backoff(faults, h.opts.RetryMin, h.opts.RetryMax)
			faults++
			h.report.report(classSpool, fmt.Errorf("sink: %s: reading the spool, trying again in %s: %w",
				h.opts.Name, pause.Round(time.Millisecond), err))
			if !h.rest(pause) {
				return false
			}
			continue
		}
		faults = 0
		h.report.flush(false)
		if seen.Entries > 0 {
			w.sleep(min(lingerStep, h.opts.MaxAge), nil)
			continue
		}
		since = time.Time{}
		if h.isClosing() {
			return false
		}
		w.sleep(h.opts.Poll, w.feed.Changed())
	}
	return false
}

// ripe reports whether what was seen is worth a Write.
func (w *shipper) ripe(seen Backlog, since *time.Time) bool {
	o := &w.h.opts
	if o.MaxAge < 0 || seen.Entries >= int64(o.MaxBatch) || seen.Bytes >= int64(o.MaxBatchBytes) || w.h.urgent() {
		return true
	}
	if since.IsZero() {
		*since = time.Now()
	}
	return time.Since(*since) >= o.MaxAge
}

func (w *shipper) look() (Backlog, error) {
	awaited := w.h.looks()
	b, err := w.feed.Look(w.h.ctx)
	if err == nil {
		w.h.looked(b)
		if awaited {
			w.h.marked(w.feed.Mark())
			w.h.reached()
		}
	}
	return b, err
}

// read takes the next batch. It returns false if there was nothing.
func (w *shipper) read() (bool, error) {
	w.batch.reset()
	if err := w.feed.Next(w.h.ctx, &w.batch); err != nil {
		return false, err
	}
	b := &w.batch
	if len(b.Entries) == 0 && b.Damaged == 0 {
		w.pending = w.pending[:0]
		w.commit() // what was no entry is behind us
		return false, nil
	}
	w.pending = append(w.pending[:0], b.Entries...)
	w.gaps, w.places = w.gaps[:0], w.places[:0]
	for i, e := range b.Entries {
		w.gaps = append(w.gaps, i < b.Gaps)
		w.places = append(w.places, i)
		if i < b.Gaps && !e.Sealed() {
			e.Resource = w.h.opts.Resource
			_ = e.Seal(nil) // it has no raw body, which is all that could be wrong
		}
	}
	rest, err := w.feed.Look(w.h.ctx)
	if err != nil {
		w.h.mu.Lock()
		rest = w.h.backlog
		w.h.mu.Unlock()
		rest.Entries = max(0, rest.Entries-int64(len(b.Entries)))
	}
	w.h.took(b, rest)
	w.waits()
	return true, nil
}

// waits tells the account what is pending.
func (w *shipper) waits() {
	var end time.Time
	if n := len(w.batch.Entries); n > 0 {
		end = w.batch.Entries[n-1].Time
	}
	w.h.waits(w.pending, w.gaps, end)
}

// commit says how much of the batch is settled: all before the first that is not.
func (w *shipper) commit() {
	n := len(w.batch.Entries)
	if len(w.pending) > 0 {
		n = w.places[0]
	}
	if err := w.feed.Commit(context.WithoutCancel(w.h.ctx), n); err != nil {
		w.h.report.report(classSpool, fmt.Errorf("sink: %s: what was delivered could not be written down; it may come twice after a crash: %w", w.h.opts.Name, err))
	}
	w.h.reached()
}

// deliver writes the batch until each entry of it is delivered or dropped. It returns
// true if it had to leave some.
func (w *shipper) deliver() (left bool) {
	h := w.h
	for attempt := 0; len(w.pending) > 0; attempt++ {
		n := w.try.size(len(w.pending))
		err := w.write(w.pending[:n])
		settled := w.account(n, err)
		w.waits()
		if len(w.pending) == 0 {
			break
		}
		if h.ctx.Err() != nil {
			return true // the next start goes on
		}
		if settled {
			w.commit()
		}
		if err == nil {
			attempt = -1
			continue
		}
		if h.isClosing() && (w.try.open() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
			return true // what is left is safe where it is
		}
		if settled || w.try.dividing {
			attempt = 0
		}
		pause := w.pause(attempt, err)
		h.report.report(classWrite, fmt.Errorf("sink: %s: %d entries not written, trying again in %s: %w",
			h.opts.Name, len(w.pending), pause.Round(time.Millisecond), err))
		if !w.rest(pause) {
			return true
		}
		h.mu.Lock()
		h.stats.Retries++
		h.mu.Unlock()
	}
	return false
}

// write calls the sink. A panic in it becomes an error.
func (w *shipper) write(batch []*entry.Entry) (err error) {
	h := w.h
	limit := h.opts.WriteTimeout
	if h.isClosing() {
		limit = min(limit, drainWrite)
	}
	ctx, cancel := context.WithTimeout(h.ctx, limit)
	defer cancel()
	h.mu.Lock()
	h.cut = cancel
	h.mu.Unlock()
	w.lent = append(w.lent[:0], batch...)
	defer clear(w.lent)
	defer recoverAsError(&err)
	return answered(sound(h.sink.Write(ctx, w.lent)), len(w.lent))
}

// account enters what err says of the first n pending entries, and leaves in pending
// what is to be written again. It reports whether any was settled.
func (w *shipper) account(n int, err error) bool {
	h := w.h
	verdicts := w.try.judge(n, err)
	now := h.opts.Now()
	var delivered, gaps, refused, gapsLost int64
	var first error
	w.letters = w.letters[:0]
	kept := 0
	for i, e := range w.pending {
		v := outcome{keep: true}
		if i < n {
			v = verdicts(i)
		}
		switch {
		case v.keep:
			w.pending[kept], w.gaps[kept], w.places[kept] = e, w.gaps[i], w.places[i]
			kept++
		case v.refused == nil && w.gaps[i]:
			gaps++
		case v.refused == nil:
			delivered++
		case w.gaps[i]:
			gapsLost++
		default:
			refused++
			if first == nil {
				first = v.refused
			}
			w.letters = append(w.letters, DeadLetter{Entry: e, Reason: v.refused.Error(), Time: now})
		}
	}
	clear(w.pending[kept:])
	w.pending, w.gaps, w.places = w.pending[:kept], w.gaps[:kept], w.places[:kept]

	buried := int64(len(w.letters))
	if buried > 0 {
		// Before the entries count as settled: a letter twice is better than none.
		if berr := w.feed.Bury(context.WithoutCancel(h.ctx), w.letters); berr != nil {
			buried = 0
			h.report.report(classSpool, fmt.Errorf("sink: %s: dead letters could not be kept: %w", h.opts.Name, berr))
		}
		clear(w.letters)
	}
	h.mu.Lock()
	h.stats.Delivered += delivered
	h.stats.Gaps += gaps
	h.stats.GapsLost += gapsLost
	h.dropped[lossRefused] += refused
	h.stats.DeadLetters += buried
	// Until waits has told them apart, or Captured would count them twice.
	h.inflight -= delivered + refused
	if delivered+gaps > 0 {
		h.stats.Batches++
	}
	if err != nil {
		h.stats.LastError, h.stats.LastErrorTime = err.Error(), now
	}
	h.stats.Failures = w.try.failures
	h.stats.Circuit = CircuitClosed
	if w.try.open() {
		h.stats.Circuit = CircuitOpen
	}
	h.mu.Unlock()
	if refused > 0 {
		h.report.report(classDrop+class(reasonRefused), &DropError{Reason: DropRefused, Count: refused, Err: first})
	}
	return delivered+gaps+refused+gapsLost > 0
}
