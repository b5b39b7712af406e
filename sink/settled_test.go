package sink_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// An idle queue holds nothing of what it has written.
func TestNothingIsKeptOfTheDelivered(t *testing.T) {
	q := newQueue(t, sink.Discard(), nil)
	defer mustClose(t, q)
	const n = 50
	var freed atomic.Int32
	for i := range n {
		e := logEntry(i)
		runtime.AddCleanup(e, func(int) { freed.Add(1) }, 0)
		if !q.Enqueue(e) {
			t.Fatal("dropped")
		}
	}
	if err := q.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); freed.Load() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d entries are still held", n-freed.Load(), n)
		}
		runtime.GC()
	}
}

// Deliver waits no longer than it is told, for room as well.
func TestDeliverWaitsForRoomWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, BlockFor: time.Minute, Linger: time.Second})
		q.Enqueue(logEntry(-1))
		<-f.entered
		n := fill(q, 0)
		begin := time.Now()
		var err error
		for range 3 { // the first one or two may still fit
			if err = q.Deliver(logEntry(n), 50*time.Millisecond); q.Stats().Blocked > 0 {
				break
			}
			begin = time.Now()
		}
		var drop *sink.DropError
		if took := time.Since(begin); took != 50*time.Millisecond || !errors.As(err, &drop) || drop.Reason != sink.DropFull {
			t.Errorf("after %s: %v", took, err)
		}
		release()
		mustClose(t, q)
		if s := q.Stats(); balance(s) != nil {
			t.Error(balance(s))
		}
	})
}
