package sink_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// Deliver returns when the sink has the entry, and nobody lingers while it waits.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &sinktest.Memory{}
		q := newQueue(t, m, &sink.QueueOptions{Linger: time.Minute})
		begin := time.Now()
		q.Enqueue(logEntry(1))
		synctest.Wait() // the worker lingers
		if err := q.Deliver(logEntry(2), time.Second); err != nil {
			t.Fatal(err)
		}
		if n := len(m.Entries()); n != 2 || time.Since(begin) != 0 {
			t.Errorf("%d entries after %s, want both at once", n, time.Since(begin))
		}
		if s := q.Stats(); s.Awaited != 1 || s.AwaitTimeouts != 0 || s.Delivered != 2 {
			t.Errorf("Stats = %+v", s)
		}
		mustClose(t, q)
		var drop *sink.DropError
		if err := q.Deliver(logEntry(3), time.Second); !errors.As(err, &drop) || drop.Reason != sink.DropClosed {
			t.Errorf("after Close: %v", err)
		}
		if err := q.Deliver(nil, time.Second); !errors.As(err, &drop) || drop.Reason != sink.DropInvalid {
			t.Errorf("no entry: %v", err)
		}
		if err := (*sink.Queue)(nil).Deliver(logEntry(3), time.Second); !errors.Is(err, sink.ErrClosed) {
			t.Errorf("no queue: %v", err)
		}
	})
}

// Those who wait share writes: while one is under way, the others gather for the next.
func TestDeliverSharesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{}
		f.fault = func(context.Context, int, []*entry.Entry) error {
			time.Sleep(5 * time.Millisecond) // a write(2)
			return nil
		}
		q := newQueue(t, f, nil)
		defer mustClose(t, q)
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Microsecond)
				if err := q.Deliver(logEntry(i), time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		// 10 ms of arrivals in writes of 5 ms each.
		if n := len(f.tried()); n > 5 {
			t.Errorf("%d writes for 200 callers within 10 ms", n)
		}
	})
}

// A sink that hangs or fails costs no more than the time allowed, and the entry is
// written all the same when the sink is back.
func TestDeliverInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		q := newQueue(t, f, nil)
		begin := time.Now()
		err := q.Deliver(logEntry(1), 300*time.Millisecond)
		if !errors.Is(err, sink.ErrAwait) || time.Since(begin) != 300*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		if s := q.Stats(); s.AwaitTimeouts != 1 || s.Awaited != 0 || s.Waiting != 1 {
			t.Errorf("Stats = %+v", s)
		}
		release()
		if err := q.Deliver(logEntry(2), time.Second); err != nil {
			t.Error(err)
		}
		if got := loggers(f.Entries()); len(got) != 2 || got[0] != "1" {
			t.Errorf("the sink has %v", got)
		}
		mustClose(t, q)
	})
}

// Of a batch of which one is refused, that one's caller alone is told so.
func TestDeliverRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{}
		f.fault = func(_ context.Context, _ int, batch []*entry.Entry) error {
			p := &sink.PartialError{}
			for i, e := range batch {
				if e.Logger == "13" {
					p.Failed = append(p.Failed, sink.Failure{Index: i, Err: sink.Permanent(errors.New("never"))})
				}
			}
			if len(p.Failed) > 0 {
				return p
			}
			return nil
		}
		q := newQueue(t, f, &sink.QueueOptions{OnError: func(error) {}})
		defer mustClose(t, q)
		var callers sync.WaitGroup
		for i := range 20 {
			callers.Go(func() {
				err := q.Deliver(logEntry(i), time.Second)
				var drop *sink.DropError
				if told := errors.As(err, &drop) && drop.Reason == sink.DropRefused; told != (i == 13) {
					t.Errorf("entry %d: %v", i, err)
				}
			})
		}
		callers.Wait()
		if s := q.Stats(); s.Awaited != 19 || s.Dropped[sink.DropRefused] != 1 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// A Close that gives up tells those who wait.
func TestDeliverGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, BlockFor: time.Minute, OnError: func(error) {}})
		var callers sync.WaitGroup
		for i := range 20 { // some of them wait for room
			callers.Go(func() {
				err := q.Deliver(logEntry(i), time.Hour)
				var drop *sink.DropError
				if !errors.As(err, &drop) || drop.Reason != sink.DropClosed {
					t.Errorf("entry %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		if q.Stats().Blocked == 0 {
			t.Error("all of them had room")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := q.Close(ctx); err == nil {
			t.Error("Close lost entries and says nothing")
		}
		callers.Wait()
		if s := q.Stats(); s.Dropped[sink.DropClosed] != 20 || balance(s) != nil {
			t.Errorf("Stats = %+v, %v", s, balance(s))
		}
		release()
	})
}

type flusher func(context.Context) error

func (f flusher) Flush(ctx context.Context) error { return f(ctx) }

// Confirm has the last word, within the same time.
func TestDeliverConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("the line is cut")
		m := &sinktest.Memory{}
		var say error
		q := newQueue(t, m, &sink.QueueOptions{Confirm: flusher(func(ctx context.Context) error {
			if len(m.Entries()) == 0 {
				t.Error("asked before the sink had it")
			}
			select {
			case <-time.After(10 * time.Millisecond):
				return say
			case <-ctx.Done():
				return ctx.Err()
			}
		})})
		defer mustClose(t, q)
		if err := q.Deliver(logEntry(1), time.Second); err != nil {
			t.Error(err)
		}
		if err := q.Deliver(logEntry(2), 5*time.Millisecond); !errors.Is(err, sink.ErrAwait) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("not confirmed in time: %v", err)
		}
		say = away
		if err := q.Deliver(logEntry(3), time.Second); !errors.Is(err, sink.ErrAwait) || !errors.Is(err, away) {
			t.Errorf("not confirmed: %v", err)
		}
		if s := q.Stats(); s.Awaited != 1 || s.AwaitTimeouts != 2 || s.Delivered != 3 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// Callers, time-outs and a sink that fails at random: each caller is told once, and
// what it is told is true.
func TestDeliverAtRandom(t *testing.T) {
	f := &faulty{}
	f.fault = func(_ context.Context, n int, batch []*entry.Entry) error {
		switch n % 5 {
		case 1:
			return errors.New("later")
		case 3:
			return &sink.PartialError{Failed: []sink.Failure{{Index: len(batch) / 2, Err: sink.Permanent(errors.New("never"))}}}
		}
		return nil
	}
	q := newQueue(t, f, &sink.QueueOptions{
		MaxBytes: 64 << 10, BlockFor: 100 * time.Microsecond,
		RetryMin: time.Microsecond, RetryMax: 20 * time.Microsecond, OnError: func(error) {},
	})
	var callers sync.WaitGroup
	var mu sync.Mutex
	confirmed := map[string]bool{}
	var timeouts, drops int64
	for c := range 16 {
		callers.Go(func() {
			for i := range 200 {
				e := logEntry(c*1000 + i)
				name := e.Logger
				err := q.Deliver(e, time.Duration(50+i)*time.Microsecond)
				mu.Lock()
				var drop *sink.DropError
				switch {
				case err == nil:
					confirmed[name] = true
				case errors.Is(err, sink.ErrAwait):
					timeouts++
				case errors.As(err, &drop):
					drops++
				default:
					t.Errorf("%v", err)
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	_ = q.Close(t.Context())
	have := map[string]bool{}
	for _, name := range loggers(f.Entries()) {
		have[name] = true
	}
	for name := range confirmed {
		if !have[name] {
			t.Errorf("entry %s was confirmed and is not there", name)
		}
	}
	s := q.Stats()
	if err := balance(s); err != nil {
		t.Error(err)
	}
	if s.Awaited != int64(len(confirmed)) || s.AwaitTimeouts != timeouts || s.DroppedTotal() < drops {
		t.Errorf("%d confirmed, %d timed out, %d dropped; Stats = %+v", len(confirmed), timeouts, drops, s)
	}
	if s.Captured != 16*200 {
		t.Errorf("%d captured", s.Captured)
	}
}

// A Deliver whose entry the sink has taken is told so, whatever becomes of the rest of
// its batch: also when Close gives that up.
func TestDeliverOfPartWhenClosed(t *testing.T) {
	for name, hang := range map[string]bool{"retries": false, "hangs": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &faulty{fault: func(_ context.Context, n int, batch []*entry.Entry) error {
					switch {
					case n == 0: // the others gather
						time.Sleep(time.Second)
						return nil
					case n > 1 && hang:
						time.Sleep(time.Hour)
					}
					p := &sink.PartialError{}
					for i, e := range batch {
						if e.Logger == "1" || e.Logger == "3" {
							p.Failed = append(p.Failed, sink.Failure{Index: i, Err: errors.New("busy")})
						}
					}
					return p
				}}
				q := newQueue(t, f, &sink.QueueOptions{Linger: -1, OnError: func(error) {}})
				q.Enqueue(logEntry(10))
				synctest.Wait()
				errs := make([]error, 5)
				var callers sync.WaitGroup
				for i := range errs {
					callers.Go(func() { errs[i] = q.Deliver(logEntry(i), time.Hour) })
				}
				callers.Go(func() { _ = q.Flush(context.Background()) })
				time.Sleep(10 * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = q.Close(ctx)
				callers.Wait()
				for i, err := range errs {
					var drop *sink.DropError
					switch bad := i == 1 || i == 3; {
					case bad && (!errors.As(err, &drop) || drop.Reason != sink.DropClosed):
						t.Errorf("%d, refused: %v", i, err)
					case !bad && err != nil:
						t.Errorf("%d, accepted: %v", i, err)
					}
				}
				if s := q.Stats(); s.Delivered != 4 || s.Dropped[sink.DropClosed] != 2 || balance(s) != nil {
					t.Errorf("%+v", s)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}
