package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// maxAsk bounds the line of an entry that is kept to ask the sink with.
const maxAsk = 64 << 10

// deliver writes the batch until each entry of it is delivered or dropped. It returns
// true if it had to leave some.
func (w *shipper) deliver() (left bool) {
	h := w.h
	for attempt := 0; len(w.pending) > 0; attempt++ {
		if !w.pick() {
			if !w.doubt() {
				return true
			}
			attempt = -1
			continue
		}
		err := w.write()
		settled := w.account(err)
		if len(w.pending) == 0 {
			break
		}
		if h.ctx.Err() != nil {
			return true // the next start goes on
		}
		if err == nil {
			attempt = -1
			continue
		}
		if h.isDraining() && (w.try.open() && !w.try.doubtful() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
			return true // what is left is safe where it is
		}
		if settled || w.try.dividing {
			attempt = 0
		}
		pause := w.pause(attempt, err)
		h.report.report(classWrite, fmt.Errorf("sink: %s: %d entries not written, trying again in %s: %w",
			h.opts.Name, len(w.pending), pause.Round(time.Millisecond), err))
		if !w.rest(pause, nil) {
			return true
		}
		w.retries()
	}
	return false
}

// pick chooses what the next Write gets: what follows, but for what was refused and
// nothing accepted since. It returns false if there is none, or if it is in doubt whether
// the sink takes any.
func (w *shipper) pick() bool {
	w.picked = w.picked[:0]
	most := w.try.size()
	for i := range w.pending {
		p := &w.pending[i]
		if len(w.picked) == most {
			break
		}
		if p.refused == nil || p.since < w.try.taken {
			w.picked = append(w.picked, i)
		}
	}
	return len(w.picked) > 0 && !w.try.doubtful()
}

// attempt gives the sink what was picked, and enters what it says.
func (w *shipper) attempt() error {
	err := w.write()
	w.account(err)
	return err
}

// write gives the sink what was picked.
func (w *shipper) write() error {
	w.lent = w.lent[:0]
	for _, i := range w.picked {
		w.lent = append(w.lent, w.pending[i].entry)
	}
	return w.give()
}

// give calls the sink with what was lent. A panic in it becomes an error.
func (w *shipper) give() (err error) {
	h := w.h
	limit := h.opts.WriteTimeout
	if h.isDraining() {
		limit = min(limit, drainWrite)
	}
	ctx, cancel := context.WithTimeout(h.ctx, limit)
	defer cancel()
	h.mu.Lock()
	h.cut = cancel
	h.mu.Unlock()
	w.hang.begin(limit)
	defer w.hang.end()
	n := len(w.lent)
	defer clear(w.lent)
	defer recoverAsError(&err)
	w.passed = newPassage(h.sink)
	return answered(sound(h.sink.Write(w.passed.with(ctx), w.lent)), n)
}

// account enters what err says of what was picked, and leaves in pending what is to be
// written again. It reports whether any was settled.
func (w *shipper) account(err error) bool {
	h := w.h
	verdict := w.try.judge(len(w.picked), &w.pending[w.picked[0]], err, func(i int) weight {
		return w.weigh(&w.pending[w.picked[i]])
	})
	now := h.opts.Now()
	var delivered, gaps, gapsLost int64
	var first error
	var last *entry.Entry
	notes := newNotes()
	w.letters = w.letters[:0]
	kept, next := 0, 0
	for i := range w.pending {
		p := w.pending[i]
		v := outcome{keep: true}
		if next < len(w.picked) && w.picked[next] == i {
			v = verdict(next)
			next++
		}
		switch {
		case v.keep:
			if v.why != nil {
				p.refused, p.since = v.why, w.try.taken
			}
			w.pending[kept] = p
			kept++
		case v.why == nil && p.gap:
			gaps++
		case v.why == nil:
			delivered++
			if w.passed.reached(h.sink, p.entry) {
				last = p.entry
			}
		case p.gap:
			gapsLost++ // and nothing tells of it, or that would be the next one
		default:
			if first == nil {
				first = v.why
			}
			w.letters = append(w.letters, DeadLetter{Entry: p.entry, Reason: v.why.Error(), Time: now})
			if notes.add(p.entry, kept) {
				w.pending[kept] = parcel{place: p.place, gap: true}
				kept++
			}
		}
	}
	if last != nil {
		w.remember(last)
	}
	clear(w.pending[kept:])
	w.pending = w.pending[:kept]
	w.picked = w.picked[:0]

	refused := int64(len(w.letters))
	var buried int64
	if refused > 0 {
		buried = w.bury(notes)
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
	h.mu.Unlock()
	w.health(err)
	if refused > 0 {
		h.report.report(classDrop+class(reasonRefused), &DropError{Reason: DropRefused, Count: refused, Err: first})
	}
	w.waits()
	settled := delivered+gaps+refused+gapsLost > 0
	if settled && len(w.pending) > 0 { // else it is committed when the batch is done
		w.commit()
	}
	return settled
}

// remember keeps an entry that has reached the sink and was accepted, to ask it with.
func (w *shipper) remember(e *entry.Entry) {
	if len(e.Line()) <= maxAsk {
		w.last = e
	}
}

// weigh says what it means that the last Write has accepted an entry.
func (w *shipper) weigh(p *parcel) weight {
	switch {
	case !w.passed.reached(w.h.sink, p.entry):
		return filteredOut
	case p.gap:
		return gapEntry
	}
	return proof
}

// bury keeps the letters, and puts the gap entries that tell of them in their places.
// It returns how many could be kept.
func (w *shipper) bury(notes *notes) (buried int64) {
	h := w.h
	buried = int64(len(w.letters))
	reason := DropRefused
	if grave := w.feed.Grave(); grave != "" {
		reason += ", kept in " + grave
	}
	// Before the entries count as settled: a letter twice is better than none.
	if err := w.feed.Bury(context.WithoutCancel(h.ctx), w.letters); err != nil {
		buried, reason = 0, DropRefused
		h.report.report(classSpool, fmt.Errorf("sink: %s: dead letters could not be kept: %w", h.opts.Name, err))
	}
	clear(w.letters)
	for i := range notes.list {
		w.pending[notes.list[i].at].entry = notes.list[i].entry(reason, h.opts.Resource)
	}
	return buried
}

// health enters what an attempt says of the sink.
func (w *shipper) health(err error) {
	h := w.h
	now := h.opts.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.stats.LastError, h.stats.LastErrorTime = err.Error(), now
	}
	h.stats.Failures = w.try.failures
	h.stats.Circuit = CircuitClosed
	if w.try.open() {
		h.stats.Circuit = CircuitOpen
	}
}

// stuck enters that a Write does not return, which is a failure as any other: it does not
// wait until it has come back.
func (h *Ship) stuck(err error) {
	now := h.opts.Now()
	h.mu.Lock()
	h.stats.LastError, h.stats.LastErrorTime = err.Error(), now
	h.stats.Failures++
	h.mu.Unlock()
	h.report.report(classWrite, err)
}

// retries counts one.
func (w *shipper) retries() {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	w.h.stats.Retries++
}
