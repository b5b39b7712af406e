package sink

import (
	"context"
	"errors"
	"fmt"

	"github.com/txtrail/txtrail/entry"
)

// Branch is a Sink with a queue of its own before another Sink, which may be slow or
// away without holding up who writes to the Branch. Put one around each Sink that
// stands beside a journal in a [Fanout]: the journal then waits for nobody.
//
// It keeps copies of the sealed entries in memory, within QueueOptions.MaxBytes, and
// writes them with the retries of a [Queue]. What does not fit is dropped, counted in
// Stats, and told of by gap entries to the Sink behind it alone. What waits in memory
// is lost with the process, or with a Close whose context ends first.
type Branch struct {
	queue *Queue
}

// NewBranch returns a running Branch that writes to s. Nil options are the defaults;
// Policy and Resource are not used, since the entries come sealed, nor is BlockFor.
// Close ends it, and closes s.
func NewBranch(s Sink, opts *QueueOptions) (*Branch, error) {
	if s == nil {
		return nil, fmt.Errorf("%w: NewBranch needs a sink, got nil", ErrOptions)
	}
	var o QueueOptions
	if opts != nil {
		o = *opts
	}
	o.BlockFor = 0 // it would be the journal beside it that waits
	q, err := NewQueue(s, &o)
	if err != nil {
		return nil, err
	}
	return &Branch{queue: q}, nil
}

// Write copies the batch and returns at once. An entry that is not sealed is refused
// for good; one for which there is no room is dropped and counted, which is no error:
// nobody can do better by writing it again.
func (b *Branch) Write(ctx context.Context, batch []*entry.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	closed := Permanent(fmt.Errorf("sink: branch: %w", ErrClosed))
	if b.queue.isClosing() {
		return closed
	}
	var failed []Failure
	for i, e := range batch {
		if e == nil || !e.Sealed() {
			failed = append(failed, Failure{Index: i, Err: Permanent(errors.New("sink: branch: the entry is not sealed"))})
			continue
		}
		if !b.queue.admit(e.Clone(), nil) && b.queue.isClosing() {
			failed = append(failed, Failure{Index: i, Err: closed})
		}
	}
	if len(failed) > 0 {
		return &PartialError{Failed: failed}
	}
	return nil
}

// Flush waits until everything written before has been delivered or dropped; see
// [Queue.Flush].
func (b *Branch) Flush(ctx context.Context) error { return b.queue.Flush(ctx) }

// Close writes what waits, within ctx, and closes the Sink; see [Queue.Close].
func (b *Branch) Close(ctx context.Context) error { return b.queue.Close(ctx) }

// Stats is the account of this branch.
func (b *Branch) Stats() Stats { return b.queue.Stats() }
