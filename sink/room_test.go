package sink_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/sink"
)

// fill enqueues until the queue is full, from number from on, and returns the next.
func fill(q *sink.Queue, from int) (next int) {
	for s := q.Stats(); s.WaitingBytes+2<<10 < s.MaxBytes; s = q.Stats() {
		q.Enqueue(logEntry(from))
		from++
	}
	return from
}

// Whoever waits for room gets it in the order of arrival, as soon as there is some.
func TestBlockForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, BlockFor: 100 * time.Millisecond, Linger: time.Second})
		q.Enqueue(logEntry(-1))
		<-f.entered
		n := fill(q, 0)
		var callers sync.WaitGroup
		for i := range 5 {
			callers.Go(func() {
				if !q.Enqueue(logEntry(n + i)) {
					t.Errorf("entry %d was dropped", n+i)
				}
			})
			synctest.Wait()
		}
		blocked := q.Stats().Blocked
		if s := q.Stats(); blocked < 3 || balance(s) != nil {
			t.Errorf("Stats = %+v, %v", s, balance(s))
		}
		time.Sleep(50 * time.Millisecond)
		release()
		callers.Wait()
		mustClose(t, q)
		got := loggers(f.Entries())
		var want []string
		for i := -1; i < n+5; i++ {
			want = append(want, logEntry(i).Logger)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		s := q.Stats()
		if s.BlockedTime != time.Duration(blocked)*50*time.Millisecond || s.Blocked != blocked || len(s.Dropped) != 0 || balance(s) != nil {
			t.Errorf("%d blocked, Stats = %+v", blocked, s)
		}
	})
}

// Nobody waits longer than BlockFor; what was dropped then is counted and told of by a
// gap entry like any other.
func TestBlockForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, BlockFor: 30 * time.Millisecond, OnError: func(error) {}})
		q.Enqueue(logEntry(-1))
		<-f.entered
		n := fill(q, 0)
		dropped := 0
		begin := time.Now()
		for i := range 4 {
			if !q.Enqueue(logEntry(n + i)) {
				dropped++
			}
		}
		if want := time.Duration(dropped) * 30 * time.Millisecond; dropped < 2 || time.Since(begin) != want {
			t.Errorf("%d dropped after %s, want %s", dropped, time.Since(begin), want)
		}
		if s := q.Stats(); s.Dropped[sink.DropFull] != int64(dropped) || balance(s) != nil {
			t.Errorf("Stats = %+v, %v", s, balance(s))
		}
		// One that could never fit is not waited for.
		huge := logEntry(0)
		huge.Message = string(make([]byte, 32<<10))
		begin = time.Now()
		if q.Enqueue(huge) || time.Since(begin) != 0 {
			t.Errorf("an entry larger than the queue waited for %s", time.Since(begin))
		}
		release()
		mustClose(t, q)
		if s := q.Stats(); s.Gaps == 0 || s.Dropped[sink.DropFull] != int64(dropped)+1 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// By default nobody waits at all.
func TestNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, OnError: func(error) {}})
		begin := time.Now()
		for i := range 100 {
			q.Enqueue(logEntry(i))
		}
		if s := q.Stats(); time.Since(begin) != 0 || s.Blocked != 0 || s.Dropped[sink.DropFull] == 0 {
			t.Errorf("after %s: %+v", time.Since(begin), s)
		}
		release()
		mustClose(t, q)
	})
}

func TestBlockForOptions(t *testing.T) {
	for _, d := range []time.Duration{-1, time.Minute + 1} {
		if _, err := sink.NewQueue(sink.Discard(), &sink.QueueOptions{BlockFor: d}); !errors.Is(err, sink.ErrOptions) {
			t.Errorf("BlockFor %s: %v", d, err)
		}
	}
}
