package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

// How long a Close lasts beyond its context, at most. What notices that the context has
// ended costs nothing of it.
const (
	drainGrace = 100 * time.Millisecond // for a Write to notice
	closeGrace = 100 * time.Millisecond // of its own, for a sink whose Close begins only then
	wordGrace  = 50 * time.Millisecond  // for the sink's own word, when that time has ended too
	tellGrace  = report.Prompt          // for OnError
)

// Nested is implemented by a [Sink] whose Close waits for other sinks, and for more than
// its context lasts if one of those hangs: [Branch], [Fanout]. Who closes it waits so much
// longer for what it says. A [Queue], a [Ship] and a Fanout do.
type Nested interface {
	// CloseGrace is how long after the end of its context Close returns at the latest. It
	// may be asked at any time, by several goroutines.
	CloseGrace() time.Duration
}

// closeGraceOf returns how long after the end of its context the Close of s returns at the
// latest if it is [Nested], also behind a [Filter] or [Wrapper]s; else 0.
func closeGraceOf(s Sink) time.Duration {
	for {
		switch w := s.(type) {
		case Nested:
			return max(0, w.CloseGrace())
		case *filter:
			s = w.sink
		case Wrapper:
			s = w.Unwrap()
		default:
			return 0
		}
	}
}

// CloseGrace implements [Nested]. It is 0.3 s, but for a sink that is Nested itself.
func (q *Queue) CloseGrace() time.Duration { return endGrace(q.sink) }

// CloseGrace implements [Nested], as that of a Queue.
func (h *Ship) CloseGrace() time.Duration { return endGrace(h.sink) }

// CloseGrace implements [Nested], as that of a Queue.
func (b *Branch) CloseGrace() time.Duration { return b.queue.CloseGrace() }

// CloseGrace implements [Nested].
func (f *fanout) CloseGrace() (most time.Duration) {
	for _, b := range f.branches {
		most = max(most, withinGrace(b.sink))
	}
	return most
}

// endGrace is how long an ending lasts beyond its context.
func endGrace(s Sink) time.Duration { return drainGrace + withinGrace(s) + tellGrace }

// withinGrace is how long closeWithin lasts beyond its context.
func withinGrace(s Sink) time.Duration {
	if g := closeGraceOf(s); g > 0 {
		return g + wordGrace
	}
	return closeGrace + wordGrace
}

// closeWithin closes a sink, with a little time of its own when ctx has ended: a file
// has to be closed all the same. One that is [Nested] sees to that itself.
func closeWithin(ctx context.Context, s Sink) error {
	nested := closeGraceOf(s)
	if ctx.Err() != nil && nested == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
	}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = closeOne(WithoutRecording(ctx), s)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
	}
	if report.Within(done, nested+wordGrace) {
		return err
	}
	return fmt.Errorf("the sink did not close: %w", context.Cause(ctx))
}
