package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// closeLimit is far more than any sink needs to close; only one that hangs meets
// it.
const closeLimit = 30 * time.Second

func closeCases() []Case {
	return []Case{
		{
			Name:   "concurrent writes",
			Reason: "Several queues may share a sink. Each entry is kept once, and each caller's in its order.",
			check:  checkConcurrent,
		},
		{
			Name:   "close twice",
			Reason: "Close may be called more than once, by a shutdown that was asked for twice; only the first does something.",
			check:  checkCloseTwice,
		},
		{
			Name:   "close at once",
			Reason: "A Fanout closes its sinks at the same time, so that one that stands behind two Filters gets two Closes at once, and a shutdown may be asked for by two goroutines. Only one does something, and none of them fails; run this with -race too.",
			check:  checkCloseAtOnce,
		},
		{
			Name:   "write after close",
			Reason: "A Write after Close will never succeed: its error is permanent and wraps ErrClosed, and nothing is stored.",
			check:  checkWriteAfterClose,
		},
		{
			Name:   "close during writes",
			Reason: "Close may come while a Write runs. That Write has been done or has not, and says which.",
			check:  checkCloseDuringWrites,
		},
		{
			Name:   "close in no time",
			Reason: "A Close whose context has ended returns soon, and what was accepted before stays.",
			check:  checkCloseCanceled,
		},
		{
			Name:   "blocked destination",
			Reason: "A destination that neither takes nor answers holds up Write and Close no longer than their contexts, and what was not written may be tried again.",
			check:  checkBlocked,
		},
	}
}

func checkConcurrent(h Harness) error {
	const callers, batches, size = 4, 8, 5
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for b := range batches {
				if err := h.accept(Samples(10000*c+size*b, size)); err != nil {
					errs[c] = err
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	got, err := h.ids()
	if err != nil || h.Stored == nil {
		return err
	}
	if len(got) != callers*batches*size {
		return fmt.Errorf("%d entries stored by %d callers, want %d", len(got), callers, callers*batches*size)
	}
	for c := range callers {
		want := insertIDs(Samples(10000*c, batches*size))
		var own []string
		for _, id := range got {
			if slices.Contains(want, id) {
				own = append(own, id)
			}
		}
		if err := compare(own, want, h.Unordered); err != nil {
			return fmt.Errorf("of caller %d: %w", c, err)
		}
	}
	return nil
}

func checkCloseTwice(h Harness) error {
	if err := h.accept(Samples(0, 1)); err != nil {
		return err
	}
	for i := range 2 {
		if err := closeWithin(context.Background(), h.Sink); err != nil {
			return fmt.Errorf("Close, time %d: %w", i+1, err)
		}
	}
	return h.holds(insertIDs(Samples(0, 1)))
}

func checkCloseAtOnce(h Harness) error {
	batch := Samples(0, 3)
	if err := h.accept(batch); err != nil {
		return err
	}
	errs := make([]error, 4)
	begin := make(chan struct{})
	var closes sync.WaitGroup
	for i := range errs {
		closes.Go(func() {
			<-begin
			errs[i] = closeWithin(context.Background(), h.Sink)
		})
	}
	close(begin)
	closes.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%d Closes at once: %w", len(errs), err)
	}
	return h.holds(insertIDs(batch))
}

func checkWriteAfterClose(h Harness) error {
	first := Samples(0, 2)
	if err := h.accept(first); err != nil {
		return err
	}
	if err := closeWithin(context.Background(), h.Sink); err != nil {
		return err
	}
	_, failed, err := h.write(context.Background(), Samples(10, 2))
	if err != nil {
		return err
	}
	if len(failed) != 2 {
		return fmt.Errorf("%d of 2 entries failed after Close", len(failed))
	}
	for _, why := range failed {
		if !sink.IsPermanent(why) || !errors.Is(why, sink.ErrClosed) {
			return fmt.Errorf("the error after Close is not a permanent one that wraps sink.ErrClosed: %w", why)
		}
	}
	return h.holds(insertIDs(first))
}

func checkCloseDuringWrites(h Harness) error {
	const callers = 4
	accepted := make([][]string, callers)
	errs := make([]error, callers)
	var begun, ended sync.WaitGroup
	begun.Add(callers)
	for c := range callers {
		ended.Go(func() {
			once := sync.OnceFunc(begun.Done)
			defer once()
			for b := range 200 {
				ids, failed, err := h.write(context.Background(), Samples(10000*c+5*b, 5))
				accepted[c] = append(accepted[c], ids...)
				if err != nil {
					errs[c] = err
					return
				}
				once()
				if len(failed) > 0 {
					return
				}
			}
		})
	}
	begun.Wait()
	closed := closeWithin(context.Background(), h.Sink)
	ended.Wait()
	if err := errors.Join(closed, errors.Join(errs...)); err != nil {
		return err
	}
	got, err := h.ids()
	if err != nil || h.Stored == nil {
		return err
	}
	if err := compare(got, slices.Concat(accepted...), true); err != nil {
		return fmt.Errorf("what was said to be accepted is not what is stored: %w", err)
	}
	return nil
}

func checkCloseCanceled(h Harness) error {
	batch := Samples(0, 3)
	if err := h.accept(batch); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := closeWithin(ctx, h.Sink); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("Close with a canceled context: %w", err)
	}
	return h.holds(insertIDs(batch))
}

func checkBlocked(h Harness) error {
	if h.Block == nil {
		return nil
	}
	release := h.Block()
	defer release()
	end := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 100*time.Millisecond)
	}
	var failed map[int]error
	var err error
	written := make(chan struct{})
	go func() {
		defer close(written)
		ctx, cancel := end()
		defer cancel()
		_, failed, err = h.write(ctx, Samples(0, 2))
	}()
	t := time.NewTimer(closeLimit)
	defer t.Stop()
	select {
	case <-written:
	case <-t.C:
		return fmt.Errorf("Write has not returned after %s", closeLimit)
	}
	if err != nil {
		return err
	}
	if len(failed) != 2 {
		return fmt.Errorf("%d of 2 entries failed that nobody took", len(failed))
	}
	for _, why := range failed {
		if sink.IsPermanent(why) {
			return fmt.Errorf("what is only late was refused for good: %w", why)
		}
	}
	ctx, cancel := end()
	defer cancel()
	if err := closeWithin(ctx, h.Sink); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("Close: %w", err)
	}
	return nil
}

// closeWithin closes s and takes a Close that hangs for a failure.
func closeWithin(ctx context.Context, s sink.Sink) error {
	result := make(chan error, 1)
	go func() { result <- s.Close(ctx) }()
	t := time.NewTimer(closeLimit)
	defer t.Stop()
	select {
	case err := <-result:
		return err
	case <-t.C:
		return fmt.Errorf("Close has not returned after %s", closeLimit)
	}
}
