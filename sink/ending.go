package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

// ending is how a [Queue] and a [Ship] end: they drain what they have into their sink
// while a Close lasts, and then close it. Whoever calls Close first does it, the others
// wait.
type ending struct {
	ctx      context.Context // of writes; ends when Close gives up
	cancel   context.CancelFunc
	draining chan struct{} // closed when Close begins
	done     chan struct{} // closed by the worker when it has ended
	closed   chan struct{} // closed when Close has ended
	closeErr error         // valid then
	begun    atomic.Bool

	// Of a Close whose context has no deadline: nobody says how long it may last.
	endless atomic.Bool
	since   time.Time     // when Close began; valid once draining is closed
	hung    chan struct{} // closed when the sink does not return
	leaving sync.Once     // of hung
}

func newEnding() *ending {
	e := &ending{draining: make(chan struct{}), done: make(chan struct{}), closed: make(chan struct{}), hung: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(WithoutRecording(context.Background()))
	return e
}

// end is Close. begin tells the worker, and left says what it has left behind when it
// has ended, or hangs in the sink. name is of the sink; it may be empty.
func (e *ending) end(ctx context.Context, name string, s Sink, r *reporter, begin func(), left func() []error) error {
	if !e.begun.CompareAndSwap(false, true) {
		select {
		case <-e.closed:
		case <-ctx.Done():
			if !isDone(e.closed) {
				return fmt.Errorf("sink: close: another Close has not ended yet: %w", context.Cause(ctx))
			}
		}
		return e.closeErr
	}
	_, limited := ctx.Deadline()
	e.endless.Store(!limited)
	e.since = time.Now()
	close(e.draining)
	begin()
	select {
	case <-e.done:
	case <-e.hung:
		e.cancel()
		over, cancel := context.WithCancelCause(ctx)
		cancel(errHung)
		ctx = over
	case <-ctx.Done():
		e.cancel()
		report.Within(e.done, drainGrace)
	}
	r.hurry()
	errs := left()
	if err := closeWithin(ctx, s); err != nil {
		if name != "" {
			err = fmt.Errorf("%s: %w", name, err)
		}
		err = fmt.Errorf("sink: close: %w", err)
		r.report(classClose, err)
		errs = append(errs, err)
	}
	e.cancel()
	r.finish(ctx)
	e.closeErr = errors.Join(errs...)
	close(e.closed)
	return e.closeErr
}

// drainWrite bounds a Write once Close has begun, of a Ship, or of a Queue whose Close
// has no deadline.
const drainWrite = 10 * time.Second

var errHung = errors.New("sink: a Write does not return")

// isLast reports whether a Close without a deadline has begun: what fails then is given
// up at some time, or a program that ends would never end.
func (e *ending) isLast() bool { return e.isDraining() && e.endless.Load() }

// desert leaves a Write that does not return, of which it was asked to since it began,
// when Close has no other end.
func (e *ending) desert(since time.Duration) {
	if most := drainWrite + hangSlack; e.isLast() && since >= most && time.Since(e.since) >= most {
		e.leaving.Do(func() { close(e.hung) })
	}
}

// isDraining reports whether Close has begun.
func (e *ending) isDraining() bool { return isDone(e.draining) }

func isDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// rest waits for d, or for a token of changed. When Close begins meanwhile it returns
// early, for one more attempt within Close's deadline. It returns false when Close gives
// up.
func (e *ending) rest(d time.Duration, changed <-chan struct{}) bool {
	begun := e.draining
	if e.isDraining() {
		begun = nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	case <-begun:
	case <-e.ctx.Done():
		return false
	}
	return true
}
