package sink

import (
	"errors"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// maxAhead bounds how many entries are remembered that the sink got out of turn. Those
// forgotten come to it twice, under the same InsertID.
const maxAhead = 1000

// maxJump is how many entries are passed over at a time in search of a good one.
const maxJump = 500

// errRefused stands where a sink's own word is not known any more.
var errRefused = errors.New("refused")

// doubt finds out whether what was refused is bad, or the sink: see [Ship].
type doubt struct {
	w         *shipper
	known     uint64       // trial.taken when it began
	next      *entry.Entry // from behind the batch, to be tried next
	jumped    bool         // the last of the batch was tried
	far, near Place        // behind what was tried: in jumps, and one after the other
}

// patience is how many rounds it waits for something new before the sink is asked by an
// entry that it has already, or by each of those passed over.
const patience = 4

// doubt returns true when the sink has accepted something, and false when that has to
// be left to the next start.
func (w *shipper) doubt() (again bool) {
	h := w.h
	d := &doubt{w: w, known: w.try.taken}
	for attempt := 0; ; attempt++ {
		var err error
		found := true
		if attempt > 0 {
			w.retries()
			err = d.oldest()
		}
		if !d.resolved() && (err == nil || refusal(err)) {
			var ferr error
			if found, ferr = d.further(attempt); ferr != nil {
				err = ferr
			}
		}
		if d.resolved() {
			return true
		}
		if h.ctx.Err() != nil || h.isDraining() {
			return false
		}
		if err == nil {
			err = d.suspect().refused
		}
		if err == nil {
			err = errRefused
		}
		pause := w.pause(attempt, err)
		h.report.report(classWrite, d.suspicion(pause, err))
		// Who found nothing to try tries it as soon as it comes. But a sink that refuses
		// whatever it is given is not asked for every entry.
		seek := d.seek
		if found || w.try.doubtful() {
			seek = nil
		}
		if !w.rest(pause, seek) {
			return false
		}
	}
}

// refusal reports whether err speaks of the entries.
func refusal(err error) bool { return IsPermanent(err) && !isClosed(err) }

func (d *doubt) resolved() bool { return d.w.try.taken > d.known || len(d.w.pending) == 0 }

// suspicion is what OnError is told.
func (d *doubt) suspicion(pause time.Duration, err error) error {
	t, n, name := &d.w.try, len(d.w.pending), d.w.h.opts.Name
	pause = pause.Round(time.Millisecond)
	if t.doubtful() {
		return fmt.Errorf("sink: %s: it has refused %d entries one after the other and accepted none, so it is taken for misconfigured: all is kept, %d entries wait, trying again in %s: %w",
			name, t.alone, n, pause, err)
	}
	return fmt.Errorf("sink: %s: %d entries refused, and kept until it is known whether it accepts others, trying again in %s: %w", name, n, pause, err)
}

// suspect returns the oldest entry that was refused, or the oldest that waits.
func (d *doubt) suspect() *parcel {
	for i := range d.w.pending {
		if d.w.pending[i].refused != nil {
			return &d.w.pending[i]
		}
	}
	return &d.w.pending[0]
}

// oldest tries that one again, alone. If the sink was mended all then goes on in order.
func (d *doubt) oldest() error {
	w := d.w
	w.picked = append(w.picked[:0], 0)
	for i := range w.pending {
		if w.pending[i].refused != nil {
			w.picked[0] = i
			break
		}
	}
	return w.attempt()
}

// further gives the sink one entry that is further on than those that it refused. It
// returns false if there is none.
func (d *doubt) further(round int) (found bool, err error) {
	w := d.w
	draining := w.h.isDraining() && w.last != nil // there is time for one question
	if !d.jumped && !draining {
		d.jumped = true
		for i := len(w.pending) - 1; i >= 0; i-- {
			if d.probe(i) {
				w.picked = append(w.picked[:0], i)
				return true, w.attempt()
			}
		}
	}
	first := !draining && (d.next != nil || d.seek())
	known := false
	switch {
	case first:
	case draining, w.last != nil && round > 0 && w.h.awaited():
		d.next, known = w.last, true // nobody is kept waiting for what may never come
	case round < patience:
	case w.good != nil:
		d.next, known = w.good, true
	default:
		for i := range w.pending {
			if d.probe(i) {
				w.picked = append(w.picked[:0], i)
				return true, w.attempt()
			}
		}
		var end bool
		if d.next, d.near, end = w.peek(d.near, true); end {
			d.near = nil // and from the beginning
		}
	}
	if d.next == nil {
		return false, nil
	}
	e := d.next
	d.next = nil
	w.lent = append(w.lent[:0], e)
	switch err = w.give(); {
	case err == nil && !w.passed.reached(w.h.sink, e):
		return true, nil // left out this time: the sink was not asked
	case err == nil:
		w.try.probed()
		if !known {
			w.early(e)
		}
	default:
		w.try.refuse(first && refusal(err))
	}
	w.health(err)
	return true, err
}

// early notes that the sink has got an entry before its turn.
func (w *shipper) early(e *entry.Entry) {
	w.good = e
	w.remember(e)
	if len(w.ahead) >= maxAhead {
		clear(w.ahead)
	}
	if e.InsertID != "" {
		w.ahead[e.InsertID] = true
	}
}

// probe reports whether an entry of the batch is fit to ask the sink with.
func (d *doubt) probe(i int) bool {
	p := &d.w.pending[i]
	return p.refused == nil && !p.gap && asked(d.w.h.sink, p.entry)
}

// seek looks for an entry far behind the batch, and reports whether there is one: the
// last of those that come next, so that a long row of bad ones is passed in few steps.
func (d *doubt) seek() bool {
	d.next, d.far, _ = d.w.peek(d.far, false)
	return d.next != nil
}

// peek returns an entry from behind a place that the sink has not got yet, and the place
// behind what was looked at: the last of up to maxJump, or the first. Of a Filter there may
// be a long row between that it leaves out. Without an entry, end says that there is
// none; else somebody waits who can be served otherwise, and it is gone on later.
func (w *shipper) peek(from Place, first bool) (found *entry.Entry, behind Place, end bool) {
	defer w.peeked.reset()
	for {
		next, ok := w.peekMost(from, maxJump)
		list := w.peeked.Entries
		if !ok || len(list) == 0 {
			return nil, next, true
		}
		for n := range list {
			i := len(list) - 1 - n
			if first {
				i = n
			}
			e := list[i]
			if !e.Sealed() || w.ahead[e.InsertID] || !asked(w.h.sink, e) {
				continue
			}
			if first && i < len(list)-1 {
				next, _ = w.peekMost(from, i+1)
			}
			return e, next, false
		}
		from = next
		if w.h.isDraining() || w.last != nil && w.h.awaited() || w.h.ctx.Err() != nil {
			return nil, from, false
		}
	}
}

// peekMost reads what comes behind a place into peeked. It returns that place if it can not.
func (w *shipper) peekMost(from Place, most int) (next Place, ok bool) {
	w.peeked.reset()
	w.peeked.MaxEntries = most
	next, err := w.feed.Peek(w.h.ctx, from, &w.peeked)
	if err != nil {
		w.h.report.report(classSpool, fmt.Errorf("sink: %s: looking ahead in the spool: %w", w.h.opts.Name, err))
		return from, false
	}
	return next, true
}
