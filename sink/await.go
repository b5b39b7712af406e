package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// ErrAwait is returned, wrapped, by [Queue.Deliver] when the sink has not taken the
// entry, or Confirm not answered, in time. The entry is not lost by that: it is where
// it was, on its way.
var ErrAwait = errors.New("sink: the entry's delivery was awaited in vain")

// Flusher says when what is on its way has arrived: Flush returns nil when everything
// that was handed over before the call has, and an error when some of it will not, or
// ctx ended first. [Queue] and [Branch] are Flushers; whoever delivers a journal to a
// place beyond this machine should be one.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Deliver is [Queue.Enqueue] that returns when the sink has the entry: for a journal,
// when write(2) has returned, so that the death of the process can not lose it any
// more. All entries enqueued before it have been delivered or dropped by then too.
// Any number of callers share a write: the worker does not linger when somebody waits,
// and whoever comes while it writes is in the next batch.
//
// A nil error means that the sink has the entry, and that Confirm, if QueueOptions
// names one, says so as well. A [*DropError] means that the entry will not be
// delivered; where there is no room for it, that is known at the end of within at the
// latest, even if QueueOptions.BlockFor is longer. An error that wraps [ErrAwait] means
// that within was over first. All three are counted in [Stats].
func (q *Queue) Deliver(e *entry.Entry, within time.Duration) error {
	if q == nil {
		return fmt.Errorf("sink: deliver: %w", ErrClosed)
	}
	if !q.fit(e) {
		return &DropError{Reason: DropInvalid, Count: 1}
	}
	began := time.Now()
	t := time.NewTimer(within)
	defer t.Stop()
	w, _ := q.spare.Get().(*waiter)
	if w == nil {
		w = &waiter{done: make(chan struct{}, 1)}
	}
	w.within = within
	if !q.admit(e, w) {
		return q.settle(w, w.verdict())
	}
	select {
	case <-w.done:
	case <-t.C:
		q.mu.Lock()
		late := q.forget(w)
		if late {
			q.stats.AwaitTimeouts++
		}
		q.mu.Unlock()
		if late {
			return q.settle(w, fmt.Errorf("%w: the sink has not taken it within %s", ErrAwait, within))
		}
		<-w.done // it came at the last moment
	}
	err := q.settle(w, w.err)
	if err == nil && q.opts.Confirm != nil {
		err = q.confirm(within - time.Since(began))
	}
	if err == nil {
		q.mu.Lock()
		q.stats.Awaited++
		q.mu.Unlock()
	}
	return err
}

// confirm asks Confirm, within what is left of the time.
func (q *Queue) confirm(within time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(WithoutRecording(context.Background()), within)
	defer cancel()
	func() {
		defer recoverAsError(&err)
		err = sound(q.opts.Confirm.Flush(ctx))
	}()
	if err == nil {
		return nil
	}
	q.mu.Lock()
	q.stats.AwaitTimeouts++
	q.mu.Unlock()
	return fmt.Errorf("%w: the sink has it, but it is not confirmed: %w", ErrAwait, err)
}

// settle puts a waiter back that nobody else knows any more.
func (q *Queue) settle(w *waiter, err error) error {
	*w = waiter{done: w.done}
	q.spare.Put(w)
	return err
}

// await makes w wait for the entry that was put into the ring last. It reports whether
// the worker has to be woken. q.mu is held.
func (q *Queue) await(w *waiter) (wake bool) {
	w.seq, w.accepted = q.seq, q.accepted
	q.waiters = append(q.waiters, w)
	wake = q.waiting != busy
	q.waiting = busy
	return wake
}

// urgent reports whether somebody waits for the worker, which then does not linger.
// q.mu is held.
func (q *Queue) urgent() bool { return len(q.waiters) > 0 || len(q.blocked) > 0 }

// disappoint tells whoever waits for an entry that it was dropped. q.mu is held.
func (q *Queue) disappoint(seq uint64, why reason) {
	for _, w := range q.waiters {
		if w.seq == seq {
			w.lost, w.why = true, why
			return
		}
	}
}

// satisfy notes whose entries the sink has, since a Close that gives up on the rest of
// their batch must not call those lost. Both lists are in the order of seq. q.mu is held.
func (q *Queue) satisfy(items []item) {
	i := 0
	for _, w := range q.waiters {
		if w.seq == 0 {
			continue // a Flush
		}
		for i < len(items) && items[i].seq < w.seq {
			i++
		}
		if i == len(items) {
			return
		}
		w.got = w.got || items[i].seq == w.seq
	}
}

// verdict is what a Deliver returns of its entry.
func (w *waiter) verdict() error {
	if w.lost {
		return &DropError{Reason: w.why.String(), Count: 1}
	}
	return nil
}
