package sink

import (
	"context"
	"fmt"
	"time"
)

// Close delivers what waits in the Spool when it begins, for as long as ctx lasts and the
// sink takes it, then closes the sink. What other processes write meanwhile it leaves to
// whoever ships next. A sink that has failed five times in a row is given one
// more trial and no more. What is left goes on at the next start: it is returned as an
// error that wraps [ErrLeft] and the sink's, also where the Spool could not be used, or
// not even looked at, and so it is not known how much that is. Close returns at most 0.3 s after ctx has
// ended, even if the sink hangs; see [Queue.Close] and [Ship.CloseGrace].
//
// Close may be called more than once and at the same time: the others wait, each
// within its own ctx, and return the same.
func (h *Ship) Close(ctx context.Context) error {
	var slow *time.Timer
	return h.end(ctx, h.opts.Name, h.sink, h.report, func() {
		slow = time.AfterFunc(drainWrite, h.interrupt)
		h.nudge()
	}, func() []error {
		slow.Stop()
		return h.left(ctx)
	})
}

// interrupt ends the Write that runs.
func (h *Ship) interrupt() {
	h.mu.Lock()
	cut := h.cut
	h.mu.Unlock()
	if cut != nil {
		cut()
	}
}

// left says what goes on at the next start.
func (h *Ship) left(ctx context.Context) []error {
	h.mu.Lock()
	left, why := h.inflight+h.backlog.Entries, h.stats.LastError
	// A mark passes by what can not be read: it waits all the same.
	none, unknown := h.stats.Standby || h.drained && h.backlog.Unread == 0, h.stats.Unknown
	h.mu.Unlock()
	h.dismiss(ErrClosed)
	if none || left == 0 && !unknown {
		return nil
	}
	err := fmt.Errorf("%w: %d for %s", ErrLeft, left, h.opts.Name)
	if unknown {
		err = fmt.Errorf("%w: for %s, and how many is not known, since the spool can not be looked at", ErrLeft, h.opts.Name)
	}
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", err, context.Cause(ctx))
	case why != "":
		err = fmt.Errorf("%w: %s", err, why)
	}
	h.report.report(classClose, err)
	return []error{err}
}
