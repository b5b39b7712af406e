package sink

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrClosed is returned, wrapped, by what is used after it was closed. It counts
// as permanent.
var ErrClosed = errors.New("sink: closed")

// markedError is an error with its sink's word on retrying. errors.As finds the
// outermost mark first: who wraps an error may know better.
type markedError struct {
	err       error
	permanent bool
	after     time.Duration
}

func (e *markedError) Error() string { return e.err.Error() }
func (e *markedError) Unwrap() error { return e.err }

// Permanent marks err as one that a retry will not cure: a bad credential, an
// entry the backend refuses. Nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &markedError{err: err, permanent: true}
}

// Retryable marks err as one that may go away, no sooner than after; 0 leaves the
// pause to the caller's own backoff. A Queue and a Ship take more than an hour for one
// hour, add up to a tenth at random, and wait less while they are being closed. Nil stays
// nil.
func Retryable(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &markedError{err: err, after: max(after, 0)}
}

// IsPermanent reports whether retrying is useless: err was marked by [Permanent],
// is a [*PanicError], or wraps [ErrClosed] without a mark. A [*PartialError] is
// permanent if each of its failures is. The outermost mark counts.
func IsPermanent(err error) bool {
	var partial *PartialError
	if errors.As(err, &partial) {
		for i := range partial.Failed {
			if !IsPermanent(partial.Failed[i].Err) {
				return false
			}
		}
		return len(partial.Failed) > 0
	}
	var marked *markedError
	if errors.As(err, &marked) {
		return marked.permanent
	}
	var panicked *PanicError
	return errors.As(err, &panicked) || errors.Is(err, ErrClosed)
}

// isClosed reports whether err is of a sink that was closed, or says so of an entry. A
// [*PartialError] has no Unwrap, by which errors.Is would say of the whole batch what
// holds for one of its entries: that its time was over, that it is permanent.
func isClosed(err error) bool {
	var partial *PartialError
	if errors.As(err, &partial) {
		for i := range partial.Failed {
			if isClosed(partial.Failed[i].Err) {
				return true
			}
		}
	}
	return errors.Is(err, ErrClosed)
}

// RetryAfter returns the pause that the sink asked for, and whether err was
// marked by [Retryable]. Of a [*PartialError] it is the longest.
func RetryAfter(err error) (time.Duration, bool) {
	var partial *PartialError
	if errors.As(err, &partial) {
		var longest time.Duration
		found := false
		for i := range partial.Failed {
			if after, ok := RetryAfter(partial.Failed[i].Err); ok {
				found = true
				longest = max(longest, after)
			}
		}
		return longest, found
	}
	var marked *markedError
	if !errors.As(err, &marked) || marked.permanent {
		return 0, false
	}
	return marked.after, true
}

// PartialError is returned by a Write that accepted a part of its batch.
type PartialError struct {
	// Failed are the entries that were not accepted. All others were. If it is empty, or
	// has an Index outside of the batch, the whole batch counts as failed.
	Failed []Failure
}

// answered returns what a Write of n entries said, as far as it makes sense. A
// [*PartialError] that names no entry, or one that was not in the batch, is about
// another batch than this one: whom it means nobody can tell, so it counts as the
// failure of all, which may go away. What was accepted all the same comes twice, under
// the same InsertID; to believe it would lose what was not.
func answered(err error, n int) error {
	var partial *PartialError
	if err == nil || !errors.As(err, &partial) {
		return err
	}
	if len(partial.Failed) == 0 {
		return fmt.Errorf("sink: the sink said that a part of the batch failed, and not which: all of it is written again: %s", err.Error())
	}
	for i := range partial.Failed {
		if at := partial.Failed[i].Index; at < 0 || at >= n {
			return fmt.Errorf("sink: the sink said that entry %d failed, of a batch of %d: all of it is written again: %s", at, n, err.Error())
		}
	}
	return err
}

// Failure is one entry that was not accepted.
type Failure struct {
	Index int   // in the batch given to Write
	Err   error // marked as Permanent or Retryable, or neither
}

// Error names how many failed, and the first reasons.
func (e *PartialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sink: %d of the batch not accepted", len(e.Failed))
	for i := range e.Failed {
		if i == 3 {
			b.WriteString("; …")
			break
		}
		fmt.Fprintf(&b, "; entry %d: %v", e.Failed[i].Index, e.Failed[i].Err)
	}
	return b.String()
}

// DropError tells OnError, Flush and Close of entries that were captured and will
// not be delivered.
type DropError struct {
	Reason string // one of the Drop constants
	Count  int64  // entries
	Err    error  // why, where a sink said so; else nil
}

// Error says how many and why.
func (e *DropError) Error() string {
	noun := "entries"
	if e.Count == 1 {
		noun = "entry"
	}
	if e.Err != nil {
		return fmt.Sprintf("sink: %d %s dropped (%s): %v", e.Count, noun, e.Reason, e.Err)
	}
	return fmt.Sprintf("sink: %d %s dropped (%s)", e.Count, noun, e.Reason)
}

// Unwrap returns Err.
func (e *DropError) Unwrap() error { return e.Err }

// PanicError is the error of a Sink that panicked. It counts as permanent: the
// same entries would make it panic again.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the value that was panicked with.
func (e *PanicError) Error() string { return fmt.Sprintf("sink: the sink panicked: %v", e.Value) }
