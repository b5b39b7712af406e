package sink_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// OnError may log through the queue that is full, and wait for room there: the worker
// makes it meanwhile.
func TestOnErrorLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		entered := make(chan struct{})
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			if n == 0 {
				close(entered)
				<-gate
				return errors.New("down")
			}
			return nil
		}}
		var q *sink.Queue
		var took atomic.Bool
		var waited time.Duration
		q = newQueue(t, f, &sink.QueueOptions{
			MaxBytes: 16 << 10, BlockFor: time.Minute, RetryMin: time.Millisecond, RetryMax: time.Millisecond,
			OnError: func(error) {
				begun := time.Now()
				took.Store(q.Enqueue(logEntry(1000)))
				waited = time.Since(begun)
			},
		})
		q.Enqueue(logEntry(-1))
		<-entered
		fill(q, 0)
		var callers sync.WaitGroup
		for range 3 { // whoever waits before it
			callers.Go(func() { q.Enqueue(logEntry(100)) })
		}
		synctest.Wait()
		close(gate)
		callers.Wait()
		mustClose(t, q)
		if !took.Load() || waited > 100*time.Millisecond {
			t.Errorf("the line of OnError was taken: %v, after %s", took.Load(), waited)
		}
		if s := q.Stats(); s.DroppedTotal() != 0 || balance(s) != nil {
			t.Errorf("%+v, %v", s, balance(s))
		}
	})
}

// OnError may wait for what the queue has.
func TestOnErrorFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			if n == 0 {
				return errors.New("down")
			}
			return nil
		}}
		var q *sink.Queue
		flushed := errors.New("not called")
		q = newQueue(t, f, &sink.QueueOptions{OnError: func(error) { flushed = q.Flush(context.Background()) }})
		q.Enqueue(logEntry(1))
		time.Sleep(10 * time.Second)
		mustClose(t, q)
		if flushed != nil {
			t.Error(flushed)
		}
	})
}

// The worker and Close may have something to tell at the same time: OnError is called
// once at a time all the same, and for all of it before Close returns.
func TestOnErrorAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, calls int32
		log := &errorLog{}
		onError := func(err error) {
			if atomic.AddInt32(&running, 1) > 1 {
				t.Error("two calls at a time")
			}
			atomic.AddInt32(&calls, 1)
			time.Sleep(60 * time.Millisecond)
			log.add(err)
			atomic.AddInt32(&running, -1)
		}
		f := &faulty{fault: func(ctx context.Context, _ int, _ []*entry.Entry) error {
			return sink.Retryable(errors.New("down"), time.Millisecond)
		}}
		q := newQueue(t, f, &sink.QueueOptions{OnError: onError, MaxBytes: 16 << 10})
		for i := range 100 {
			q.Enqueue(logEntry(i))
		}
		time.Sleep(1900 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = q.Close(ctx)
		synctest.Wait()
		time.Sleep(time.Second)
		s := q.Stats()
		if n := log.drops()[sink.DropClosed]; n == 0 || n != s.Dropped[sink.DropClosed] || atomic.LoadInt32(&calls) < 3 {
			t.Errorf("told of %d in %d calls, %+v", n, calls, s)
		}
	})
}
