package sink

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// drainWrite bounds a Write once Close has begun: what it does not take in that time
// is safe in the Spool.
const drainWrite = 10 * time.Second

// Close delivers what waits in the Spool, for as long as ctx lasts and the sink takes
// it, then closes the sink. A sink that has failed five times in a row is given one
// more trial and no more. What is left goes on at the next start: it is returned as an
// error that wraps [ErrLeft] and the sink's. Close returns at most 0.2 s after ctx has
// ended, even if the sink hangs.
//
// Close may be called more than once and at the same time: the others wait, each
// within its own ctx, and return the same.
func (h *Ship) Close(ctx context.Context) error {
	h.mu.Lock()
	first := !h.closing
	h.closing = true
	h.mu.Unlock()
	if !first {
		select {
		case <-h.closed:
			return h.closeErr
		case <-ctx.Done():
			return fmt.Errorf("sink: close: another Close has not ended yet: %w", context.Cause(ctx))
		}
	}
	close(h.draining)
	h.nudge()
	slow := time.AfterFunc(drainWrite, func() {
		h.mu.Lock()
		cut := h.cut
		h.mu.Unlock()
		if cut != nil {
			cut()
		}
	})
	defer slow.Stop()
	select {
	case <-h.done:
	case <-ctx.Done():
		h.cancel()
		wait(h.done, closeGrace)
	}

	var errs []error
	h.mu.Lock()
	left, why := h.inflight+h.backlog.Entries, h.stats.LastError
	standby := h.stats.Standby
	h.mu.Unlock()
	h.dismiss(ErrClosed)
	if left > 0 && !standby {
		err := fmt.Errorf("%w: %d for %s", ErrLeft, left, h.opts.Name)
		switch {
		case ctx.Err() != nil:
			err = fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case why != "":
			err = fmt.Errorf("%w: %s", err, why)
		}
		h.report.report(classClose, err)
		errs = append(errs, err)
	}
	if err := closeWithin(ctx, h.sink); err != nil {
		err = fmt.Errorf("sink: close: %s: %w", h.opts.Name, err)
		h.report.report(classClose, err)
		errs = append(errs, err)
	}
	h.cancel()
	h.report.flush(true)
	h.closeErr = errors.Join(errs...)
	close(h.closed)
	return h.closeErr
}

// closeWithin closes a sink, with a little time of its own when ctx has ended: a file
// has to be closed all the same.
func closeWithin(ctx context.Context, s Sink) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
	}
	result := make(chan error, 1)
	go func() { result <- closeOne(WithoutRecording(ctx), s) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	// The sink's own word is worth waiting for a moment.
	t := time.NewTimer(closeGrace / 2)
	defer t.Stop()
	select {
	case err := <-result:
		return err
	case <-t.C:
		return fmt.Errorf("the sink did not close: %w", context.Cause(ctx))
	}
}
