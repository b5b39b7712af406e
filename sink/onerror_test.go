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
// once at a time all the same, Close waits for it no longer than it may, and all is told.
func TestOnErrorAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		log := &errorLog{}
		f := &faulty{fault: func(context.Context, int, []*entry.Entry) error { return errors.New("down") }}
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, OnError: func(err error) {
			if running.Add(1) > 1 {
				t.Error("two calls at a time")
			}
			time.Sleep(5 * time.Second)
			log.add(err)
			running.Add(-1)
		}})
		for i := range 100 {
			q.Enqueue(logEntry(i))
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_ = q.Close(ctx)
		if d := time.Since(begun); d > time.Second+q.CloseGrace() {
			t.Errorf("Close took %s", d)
		}
		time.Sleep(time.Minute)
		s, told := q.Stats(), log.drops()
		for _, why := range []string{sink.DropClosed, sink.DropFull} {
			if s.Dropped[why] == 0 || told[why] != s.Dropped[why] {
				t.Errorf("%s: told of %d, dropped %d", why, told[why], s.Dropped[why])
			}
		}
	})
}
