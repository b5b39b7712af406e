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

	taken bool // another process ships by now

	batch   SpoolBatch
	pending []parcel        // of the batch, not settled, in order
	picked  []int           // of pending: what the next Write gets, in order
	lent    []*entry.Entry  // what Write gets: a sink that sorts or filters in place changes that
	letters []DeadLetter    // scratch
	peeked  SpoolBatch      // scratch
	ahead   map[string]bool // by InsertID: what the sink got out of turn, and is to be read yet
	good    *entry.Entry    // the last of them
	last    *entry.Entry    // the last that was delivered in its turn, if it is not large
	ids     idPrefix
	hang    *hang
	until   Mark     // how far Close waits; nil: it has not begun
	passed  *passage // of the last Write
	noted   uint64   // for InsertIDs
}

// parcel is an entry on its way.
type parcel struct {
	entry *entry.Entry
	place int  // its index in the batch: until it is settled, no more is committed
	gap   bool // it tells of others and is counted apart

	// The sink has refused it, alone; nil: it has not. It is known by then to take
	// others, if it has taken some since.
	refused error
	since   uint64 // trial.taken then
}

func newShipper(h *Ship) *shipper {
	b := SpoolBatch{MaxEntries: h.opts.MaxBatch, MaxBytes: h.opts.MaxBatchBytes, Heads: TakesLines(h.sink)}
	return &shipper{
		h: h, try: newTrial(h.opts.MaxBatch), batch: b, peeked: b, ahead: map[string]bool{}, ids: newIDPrefix(),
		hang: newHang(h.closed, func(since time.Duration) {
			h.report.flush()
			h.desert(since)
		}, func(since time.Duration) {
			h.stuck(hangError(h.opts.Name, since, h.opts.WriteTimeout))
		}),
	}
}

// run ships until Close.
func (w *shipper) run() {
	h := w.h
	defer close(h.done)
	for w.attach() {
		for w.next() {
			left := w.deliver()
			w.commit()
			if left {
				break // the next start goes on with it
			}
		}
		over := w.until != nil && w.until.Passed()
		if err := w.feed.Close(); err != nil {
			h.report.report(classSpool, fmt.Errorf("sink: %s: closing the spool: %w", h.opts.Name, err))
		}
		h.mu.Lock()
		h.stats.Attached, h.drained = false, over
		h.mu.Unlock()
		if !w.taken {
			return
		}
		w.taken = false
		h.looked(Backlog{}) // it waits for the other one
		h.unmark()
	}
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
		if err == nil {
			w.feed, w.until = feed, nil
			h.unmark()
			return true
		}
		if standby {
			h.looked(Backlog{}) // it waits for the other one
		} else {
			w.estimate(err)
		}
		if h.isDraining() {
			return false
		}
		pause := standbyPause
		switch {
		case standby && h.marker != nil:
			if h.report.flush(); !w.follow(pause) {
				return false
			}
			continue
		case standby:
			h.dismiss(ErrHeld) // who ships now will see to it
		default:
			pause = backoff(attempt, h.opts.RetryMin, h.opts.RetryMax)
			if !errors.Is(err, ErrClosed) { // which whoever closed it knows
				h.report.report(classSpool, fmt.Errorf("sink: %s: the spool can not be used, trying again in %s: %w",
					h.opts.Name, pause.Round(time.Millisecond), err))
			}
		}
		h.report.flush()
		if !w.linger(pause, err) {
			return false
		}
	}
}

// estimate enters what waits while it can not be taken over, as far as the Spool can
// tell: or nobody would see what a sink lacks that is never served.
func (w *shipper) estimate(why error) {
	h := w.h
	if errors.Is(why, ErrClosed) { // there never was one
		h.looked(Backlog{})
		return
	}
	if h.ctx.Err() != nil {
		return // what was known is still true
	}
	known := false
	if h.survey != nil {
		b, err := h.survey.Survey(h.ctx, h.opts.Name)
		if known = err == nil; known {
			h.looked(b)
		}
	}
	h.unseen(why, !known && h.ctx.Err() == nil)
}

// linger waits for d until the Spool is tried again, and sees to the figures meanwhile
// unless another process does. It returns false when Close gives up.
func (w *shipper) linger(d time.Duration, why error) bool {
	h := w.h
	step := restStep
	for end := time.Now().Add(d); ; {
		closing := h.isDraining()
		if !h.rest(min(step, time.Until(end)), nil) {
			return false
		}
		if time.Until(end) <= 0 || !closing && h.isDraining() {
			return true
		}
		begun := time.Now()
		if !errors.Is(why, ErrHeld) {
			w.estimate(why)
		}
		step = max(restStep, followShare*time.Since(begun))
		h.report.flush()
	}
}

// next reads a batch when there is a full one, or when what waits is old enough. It
// returns false when Close has begun and nothing waits.
func (w *shipper) next() bool {
	h := w.h
	var since time.Time // when the first of the batch was seen
	for faults := 0; h.ctx.Err() == nil; {
		seen, err := w.look()
		seen.Entries -= seen.Unread
		if err == nil && w.until != nil && w.until.Passed() {
			return false // what comes now is another process's
		}
		if err == nil && seen.Entries > 0 && w.ripe(seen, &since) {
			var got bool
			if got, err = w.read(); got {
				return true
			}
			seen = Backlog{} // counted, and not there
		}
		if err != nil {
			if w.taken = errors.Is(err, ErrHeld); w.taken || h.isDraining() {
				return false
			}
			pause := backoff(faults, h.opts.RetryMin, h.opts.RetryMax)
			faults++
			h.report.report(classSpool, fmt.Errorf("sink: %s: reading the spool, trying again in %s: %w",
				h.opts.Name, pause.Round(time.Millisecond), err))
			if !h.rest(pause, nil) {
				return false
			}
			continue
		}
		faults = 0
		h.report.flush()
		if seen.Entries > 0 {
			w.sleep(min(lingerStep, h.opts.MaxAge), nil)
			continue
		}
		since = time.Time{}
		if h.isDraining() {
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
	awaited, closing := w.h.looks(), w.h.isDraining()
	b, err := w.feed.Look(w.h.ctx)
	if err != nil && w.h.ctx.Err() == nil && !errors.Is(err, ErrHeld) {
		w.h.unseen(err, true)
	}
	if err == nil {
		w.h.looked(b)
		if closing && w.until == nil {
			w.until = w.feed.Mark()
		}
		if awaited {
			w.h.marked(w.feed.Mark())
		}
		w.h.reached() // also what needs no Commit: it was removed, or has no entry
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
	w.pending = w.pending[:0]
	var known int64
	if b.Damaged > 0 {
		w.pending = append(w.pending, w.hole(b))
	}
	for i, e := range b.Entries {
		gap := i < b.Gaps
		switch {
		case gap && !e.Sealed():
			e.Resource = w.h.opts.Resource
			_ = e.Seal(nil) // it has no raw body, which is all that could be wrong
		case !gap && w.ahead[e.InsertID]: // the sink has it: it was a probe
			delete(w.ahead, e.InsertID)
			if w.good != nil && w.good.InsertID == e.InsertID {
				w.good = nil
			}
			known++
			continue
		}
		w.pending = append(w.pending, parcel{entry: e, place: i, gap: gap})
	}
	rest, err := w.feed.Look(w.h.ctx)
	if err != nil {
		w.h.mu.Lock()
		rest = w.h.backlog
		w.h.mu.Unlock()
		rest.Entries = max(0, rest.Entries-int64(len(b.Entries)))
	}
	w.h.took(b, rest, known)
	w.waits()
	return true, nil
}

// waits tells the account what is pending.
func (w *shipper) waits() {
	var end time.Time
	if n := len(w.batch.Entries); n > 0 {
		end = w.batch.Entries[n-1].Time
	}
	w.h.waits(w.pending, end)
}

// commit says how much of the batch is settled: all before the first that is not.
func (w *shipper) commit() {
	n := len(w.batch.Entries)
	if len(w.pending) > 0 {
		if n = w.pending[0].place; n == 0 {
			return
		}
	}
	if err := w.feed.Commit(context.WithoutCancel(w.h.ctx), n); err != nil {
		w.h.report.report(classSpool, fmt.Errorf("sink: %s: what was delivered could not be written down; it may come twice after a crash: %w", w.h.opts.Name, err))
	}
	w.h.reached()
}
