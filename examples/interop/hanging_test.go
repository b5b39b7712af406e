package interop

import (
	"context"
	"errors"
	"testing"
	"time"
)

// expiring is a context with a deadline that is over when a test says so: no clock
// decides.
type expiring struct {
	context.Context
	over chan struct{}
}

// expire returns a context whose deadline is over when at comes.
func expire(t testing.TB, at <-chan struct{}) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	e := &expiring{ctx, make(chan struct{})}
	go func() {
		select {
		case <-at:
			close(e.over)
		case <-ctx.Done():
		}
	}()
	return e
}

// Done implements [context.Context].
func (e *expiring) Done() <-chan struct{} { return e.over }

// Err implements [context.Context].
func (e *expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// hanging is what a handler has that does not answer.
type hanging struct {
	begun chan struct{}
	ended chan error // what its context ended with
}

func newHanging() *hanging { return &hanging{make(chan struct{}), make(chan error, 1)} }

// wait is a handler's. The client's deadline must be known here.
func (h *hanging) wait(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		err := errors.New("no deadline has come with the call")
		h.ended <- err
		return err
	}
	h.begun <- struct{}{}
	<-ctx.Done()
	h.ended <- ctx.Err()
	return ctx.Err()
}

// judge is a test's, when the call has failed.
func (h *hanging) judge(t testing.TB) {
	t.Helper()
	err := recv(t, h.ended, "the handler")
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context: %v", err)
	}
}
