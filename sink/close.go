package sink

import (
	"context"
	"fmt"
	"time"
)

// Close ends the queue: it has what waits written until ctx ends, then closes the
// sink. A write that fails is tried again as long as ctx lasts. If ctx has no deadline, a
// sink that has failed five times in a row, and for five seconds since Close began, is
// given up, and so is a Write that has not returned after ten. What could not be
// delivered by then is counted as [DropClosed], told to OnError once, and
// returned as a [*DropError], joined with the sink's own error from closing.
// Close returns at most 0.3 s after ctx has ended, even if the sink hangs: 0.1 s for a
// Write to notice, 0.15 s to close the sink and 0.05 s for OnError. Where the sink
// closes others itself it is longer, and [Queue.CloseGrace] says how long.
//
// Give it a context of its own: the one that a signal has just ended leaves no
// time to write anything.
//
// Close may be called more than once and at the same time: the others wait, each
// within its own ctx, and return the same.
func (q *Queue) Close(ctx context.Context) error {
	var slow *time.Timer
	return q.end(ctx, "", q.sink, q.report, func() {
		if q.endless.Load() {
			slow = time.AfterFunc(drainWrite, q.interrupt)
		}
		q.mu.Lock()
		q.closing = true
		q.waiting = busy
		q.mu.Unlock()
		q.nudge()
	}, func() []error {
		if slow != nil {
			slow.Stop()
		}
		return q.left(ctx)
	})
}

// interrupt ends the Write that runs.
func (q *Queue) interrupt() {
	q.mu.Lock()
	cut := q.cut
	q.mu.Unlock()
	if cut != nil {
		cut()
	}
}

// left takes away what the worker has left, and tells of it.
func (q *Queue) left(ctx context.Context) (errs []error) {
	q.abandon()
	q.mu.Lock()
	lost, gaps, why := q.leftEntries, q.leftGaps, q.hopeless
	q.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
		why = err
	} else if isDone(q.hung) {
		why = errHung
	}
	if lost > 0 {
		drop := &DropError{Reason: DropClosed, Count: lost, Err: why}
		q.report.report(classDrop+class(reasonClosed), drop)
		errs = append(errs, drop)
	}
	if gaps > 0 {
		errs = append(errs, fmt.Errorf("sink: close: %d gap entries not written; Stats has what was dropped", gaps))
	}
	return errs
}

// abandon counts as dropped what the worker left, or still holds when the sink
// hangs. From then on the worker's word does not count.
func (q *Queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	left := int64(q.count + q.inflight)
	for _, w := range q.waiters {
		if w.seq != 0 && w.accepted > q.finished && !w.got && !w.lost {
			w.lost, w.why = true, reasonClosed
		}
	}
	left += q.turnAway()
	q.leftEntries += left
	q.leftGaps += int64(len(q.gaps.records)) + q.gapsInflight
	q.stats.GapsLost += int64(len(q.gaps.records)) + q.gapsInflight
	q.dropped[reasonClosed] += left
	for q.count > 0 {
		q.reclaim(q.pop().entry)
	}
	q.inflight, q.bytes, q.gapsInflight = 0, 0, 0
	q.finished, q.gapsDone = q.accepted, q.noted
	q.gaps.reset()
	q.gone = true
	q.notify()
}
