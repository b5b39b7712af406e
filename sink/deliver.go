package sink

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// deliver writes the batch until each entry of it is delivered or dropped, or
// Close gives up.
func (w *worker) deliver() {
	q := w.q
	defer func() {
		clear(w.batch)
		clear(w.items)
	}()
	for attempt := 0; len(w.batch) > 0; attempt++ {
		if attempt > 0 {
			q.mu.Lock()
			q.stats.Retries++
			q.mu.Unlock()
		}
		before := len(w.batch)
		err := w.write()
		w.account(err)
		if len(w.batch) == 0 {
			break
		}
		if q.ctx.Err() != nil {
			return // Close counts what is left
		}
		if len(w.batch) < before {
			attempt = 0 // it is getting on
			w.tries = lastTries{since: time.Now()}
		}
		if q.isLast() && w.tries.over(q.since) {
			q.mu.Lock()
			q.hopeless = err
			q.mu.Unlock()
			q.cancel() // and Close counts what is left
			return
		}
		q.tellDrops()
		after, _ := RetryAfter(err)
		pause := w.pause(attempt, after)
		q.report.report(classWrite, fmt.Errorf("sink: %d entries not written, trying again in %s: %w",
			len(w.batch), pause.Round(time.Millisecond), err))
		if !w.q.rest(pause, nil) {
			return
		}
	}
	if q.isLast() {
		w.tries = lastTries{since: time.Now()}
	}
	q.mu.Lock()
	if !q.gone {
		q.finished += w.settled
		q.notify()
	}
	q.mu.Unlock()
	w.settled = 0
}

const (
	lastFailures = 5               // in a row, and
	lastTime     = 5 * time.Second // since what was taken last, or the Close: then it is over
)

// lastTries are the failures in a row since a Close without a deadline has begun.
type lastTries struct {
	failed int
	since  time.Time
}

// over enters a failure, and reports whether it is to be the last one.
func (l *lastTries) over(closing time.Time) bool {
	if l.since.Before(closing) {
		*l = lastTries{since: closing}
	}
	l.failed++
	since := time.Since(l.since)
	return since >= lastTime && (l.failed >= lastFailures || since >= drainWrite)
}

// write calls the sink. A panic in it becomes an error.
func (w *worker) write() (err error) {
	limit := w.q.opts.WriteTimeout
	if w.q.isLast() {
		limit = min(limit, drainWrite)
	}
	ctx, cancel := context.WithTimeout(w.q.ctx, limit)
	defer cancel()
	w.q.mu.Lock()
	w.q.cut = cancel
	w.q.mu.Unlock()
	w.hang.begin(limit)
	defer w.hang.end()
	w.lent = append(w.lent[:0], w.batch...)
	defer clear(w.lent)
	defer recoverAsError(&err)
	return answered(sound(w.q.sink.Write(ctx, w.lent)), len(w.lent))
}

// sound returns err if it can be asked what this package asks of an error, and
// panics here, where a panic is caught, if it can not. The usual one that can not
// is a nil pointer of the sink's own error type, returned for "no error".
func sound(err error) error {
	if err == nil {
		return nil
	}
	_ = err.Error()
	IsPermanent(err)
	RetryAfter(err)
	errors.Is(err, ErrSinkDown)
	var partial *PartialError
	if errors.As(err, &partial) {
		for i := range partial.Failed {
			if partial.Failed[i].Err != nil {
				_ = sound(partial.Failed[i].Err)
			}
		}
	}
	return err
}

func recoverAsError(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{Value: r, Stack: debug.Stack()}
	}
}

// account enters what err says of the batch, and leaves in the batch what is to
// be written again.
func (w *worker) account(err error) {
	q := w.q
	if err == nil {
		w.accepted(len(w.batch), w.items)
		for _, e := range w.batch {
			e.Release()
		}
		clear(w.batch)
		clear(w.items)
		w.batch, w.items = w.batch[:0], w.items[:0]
		return
	}
	now := q.opts.Now()
	q.mu.Lock()
	q.stats.LastError, q.stats.LastErrorTime = err.Error(), now
	q.mu.Unlock()

	var partial *PartialError
	isPartial := errors.As(err, &partial)
	if !isPartial && !IsPermanent(err) {
		return
	}
	failed := map[int]error{}
	if isPartial {
		for i := range partial.Failed {
			failed[partial.Failed[i].Index] = partial.Failed[i].Err
		}
	}
	kept, good := 0, 0
	var first [numReasons]error
	var drops [numReasons]int64
	for i, it := range w.items {
		e, why := w.batch[i], err
		if isPartial {
			var bad bool
			if why, bad = failed[i]; !bad {
				w.good = append(w.good, it)
				good++
				e.Release()
				continue
			}
		}
		if !IsPermanent(why) {
			w.batch[kept], w.items[kept] = e, it
			kept++
			continue
		}
		r := reasonRefused
		if errors.Is(why, ErrSinkDown) {
			r = reasonSinkDown
		}
		if first[r] == nil {
			first[r] = why
		}
		drops[r]++
		w.dropped(it, e, r)
		e.Release()
	}
	w.accepted(good, w.good)
	clear(w.good)
	w.good = w.good[:0]
	clear(w.batch[kept:])
	clear(w.items[kept:])
	w.batch, w.items = w.batch[:kept], w.items[:kept]
	for r, n := range drops {
		if n > 0 {
			q.report.report(classDrop+class(r), &DropError{Reason: reason(r).String(), Count: n, Err: first[r]})
		}
	}
}

// accepted enters n items that the sink has taken.
func (w *worker) accepted(n int, items []item) {
	if n == 0 {
		return
	}
	var entries, gaps, bytes int64
	for i := range items {
		if items[i].gap {
			gaps++
		} else {
			entries++
			bytes += items[i].cost
		}
	}
	w.settled += uint64(entries)
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone {
		return
	}
	q.stats.Batches++
	q.stats.Delivered += entries
	q.stats.Gaps += gaps
	q.inflight -= int(entries)
	q.gapsInflight -= gaps
	q.bytes -= bytes
	q.satisfy(items)
	q.letIn()
}

// dropped enters an item that will not be delivered. A gap entry that is refused
// makes no further gap.
func (w *worker) dropped(it item, e *entry.Entry, why reason) {
	if !it.gap {
		w.settled++
	}
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone {
		return
	}
	if it.gap {
		q.stats.GapsLost++
		q.gapsInflight--
		return
	}
	q.inflight--
	q.bytes -= it.cost
	q.drop(why, e.TxID, e.Time, it.cost)
	q.disappoint(it.seq, why)
	q.letIn()
}

// pause is how long to wait before the next attempt; not long while Close waits.
func (w *worker) pause(attempt int, after time.Duration) time.Duration {
	d := pause(attempt, after, w.q.opts.RetryMin, w.q.opts.RetryMax)
	if w.q.isDraining() {
		d = min(d, drainPause)
	}
	return d
}

// drainPause bounds the pause between attempts while Close waits.
const drainPause = time.Second
