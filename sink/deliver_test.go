package sink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			at = append(at, time.Since(begin))
			if n < 12 {
				return errors.New("down")
			}
			return nil
		}}
		log := &errorLog{}
		q := newQueue(t, f, &sink.QueueOptions{OnError: log.add, RetryMin: 100 * time.Millisecond, RetryMax: 5 * time.Second})
		for i := range 3 {
			q.Enqueue(logEntry(i))
		}
		if err := q.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(at); i++ {
			pause, full := at[i]-at[i-1], min(100*time.Millisecond<<(i-1), 5*time.Second)
			if pause > full || pause < full/2 {
				t.Errorf("pause %d is %s, want %s to %s", i, pause, full/2, full)
			}
		}
		if s := q.Stats(); s.Retries != 12 || s.Delivered != 3 || s.LastError != "down" || s.LastErrorTime.IsZero() {
			t.Errorf("Stats = %+v", s)
		}
		if got := loggers(f.Entries()); !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("delivered %v", got)
		}
		// One error a second at most.
		if n, most := len(log.all()), int(time.Since(begin)/time.Second)+1; n > most || n < 2 {
			t.Errorf("OnError was called %d times in %s, want at most %d", n, time.Since(begin), most)
		}
		mustClose(t, q)
	})
}

// TestBackoffStartsAgain: a sink that takes some of each batch is not one that is
// down.
func TestBackoffStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{fault: func(_ context.Context, n int, batch []*entry.Entry) error {
			p := &sink.PartialError{}
			for i := 1; i < len(batch); i++ {
				p.Failed = append(p.Failed, sink.Failure{Index: i, Err: errors.New("one at a time")})
			}
			if len(p.Failed) == 0 {
				return nil
			}
			return p
		}}
		q := newQueue(t, f, &sink.QueueOptions{OnError: func(error) {}, RetryMin: time.Millisecond, RetryMax: time.Hour})
		begin := time.Now()
		for i := range 30 {
			q.Enqueue(logEntry(i))
		}
		mustClose(t, q)
		if d := time.Since(begin); d > 100*time.Millisecond {
			t.Errorf("30 entries, one at a time, took %s", d)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			if n == 0 {
				return fmt.Errorf("wrapped: %w", sink.Retryable(errors.New("quota"), 20*time.Second))
			}
			return nil
		}}
		q := newQueue(t, f, nil)
		q.Enqueue(logEntry(1))
		if err := q.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d < 20*time.Second || d > 23*time.Second {
			t.Errorf("written after %s, want 20s to 22s", d)
		}
		mustClose(t, q)
	})
}

func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{fault: func(ctx context.Context, n int, _ []*entry.Entry) error {
			if n == 0 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}}
		q := newQueue(t, f, &sink.QueueOptions{WriteTimeout: 7 * time.Second})
		begin := time.Now()
		q.Enqueue(logEntry(1))
		if err := q.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d < 7*time.Second || d > 8*time.Second {
			t.Errorf("written after %s, want 7s and a pause", d)
		}
		mustClose(t, q)
	})
}

func TestPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			switch n {
			case 0:
				return fmt.Errorf("insert: %w", &sink.PartialError{Failed: []sink.Failure{
					{Index: 4, Err: errors.New("busy")},
					{Index: 1, Err: sink.Permanent(errors.New("bad row"))},
					{Index: 2, Err: sink.Retryable(errors.New("busy"), 0)},
				}})
			case 1:
				return &sink.PartialError{Failed: []sink.Failure{{Index: 0, Err: errors.New("busy")}}}
			}
			return nil
		}}
		log := &errorLog{}
		q := newQueue(t, f, &sink.QueueOptions{OnError: log.add})
		for i := range 5 {
			q.Enqueue(logEntry(i))
		}
		var drop *sink.DropError
		if err := q.Flush(t.Context()); !errors.As(err, &drop) || drop.Count != 1 {
			t.Errorf("Flush = %v, want one dropped", err)
		}
		mustClose(t, q)
		tried := f.tried()
		var sizes []int
		for _, ids := range tried {
			sizes = append(sizes, len(ids))
		}
		if !slices.Equal(sizes, []int{5, 2, 1, 1}) {
			t.Fatalf("batches of %v, want 5, then the 2 that failed, 1 of them, and the gap entry", sizes)
		}
		if want := []string{tried[0][2], tried[0][4]}; !slices.Equal(tried[1], want) {
			t.Errorf("written again: %v, want %v", tried[1], want)
		}
		if got := loggers(f.Entries()); !slices.Equal(got, []string{"0", "3", "4", "2"}) {
			t.Errorf("delivered %v", got)
		}
		if d := log.drops(); d[sink.DropRefused] != 1 {
			t.Errorf("OnError was told of %v", d)
		}
		if s := q.Stats(); s.Dropped[sink.DropRefused] != 1 || s.Delivered != 4 || balance(s) != nil {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestSinkPanics(t *testing.T) {
	f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
		if n == 0 {
			panic("broken driver")
		}
		return nil
	}}
	log := &errorLog{}
	q := newQueue(t, f, &sink.QueueOptions{OnError: func(err error) {
		log.add(err)
		panic("a broken OnError")
	}})
	q.Enqueue(logEntry(1))
	_ = q.Flush(t.Context())
	q.Enqueue(logEntry(2))
	mustClose(t, q)
	var p *sink.PanicError
	if errs := log.all(); len(errs) == 0 || !errors.As(errs[0], &p) || p.Value != "broken driver" || !strings.Contains(string(p.Stack), "deliver_test.go") {
		t.Errorf("OnError was told %v, want the panic with its stack", errs)
	}
	if s := q.Stats(); s.Dropped[sink.DropRefused] != 1 || s.Delivered != 1 || s.Gaps != 1 {
		t.Errorf("Stats = %+v", s)
	}
}

// TestRefusedGap: where even the gap entry is refused, that makes no further gap.
func TestRefusedGap(t *testing.T) {
	f := &faulty{fault: func(context.Context, int, []*entry.Entry) error { return sink.Permanent(errors.New("no permission")) }}
	q := newQueue(t, f, nil)
	for i := range 3 {
		q.Enqueue(logEntry(i))
	}
	mustClose(t, q)
	if s := q.Stats(); s.Dropped[sink.DropRefused] != 3 || s.GapsLost != 3 || s.Gaps != 0 || len(f.tried()) > 6 {
		t.Errorf("Stats = %+v after %d writes", s, len(f.tried()))
	}
}

func TestOrderUnderFailures(t *testing.T) {
	f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
		if n%3 != 2 {
			return errors.New("flaky")
		}
		return nil
	}}
	q := newQueue(t, f, &sink.QueueOptions{RetryMin: 1, RetryMax: 10, Linger: -1, OnError: func(error) {}})
	var want []string
	for i := range 3000 {
		q.Enqueue(logEntry(i))
		want = append(want, fmt.Sprint(i))
	}
	mustClose(t, q)
	if !slices.Equal(loggers(f.Entries()), want) {
		t.Error("the order of capture was not kept")
	}
}

func TestClose(t *testing.T) {
	t.Run("twice and at once", func(t *testing.T) {
		m := &sinktest.Memory{}
		q := newQueue(t, m, nil)
		q.Enqueue(logEntry(1))
		errs := make(chan error, 3)
		for range 3 {
			go func() { errs <- q.Close(context.Background()) }()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		mustClose(t, q)
		if q.Enqueue(logEntry(2)) {
			t.Error("an entry was taken after Close")
		}
		if err := q.Flush(t.Context()); err != nil {
			t.Errorf("Flush after Close, with nothing waiting: %v", err)
		}
		if s := q.Stats(); s.Delivered != 1 || s.Dropped[sink.DropClosed] != 1 || balance(s) != nil {
			t.Errorf("Stats = %+v", s)
		}
	})
	t.Run("drains through a failing sink", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			up := time.Now().Add(40 * time.Second)
			f := &faulty{fault: func(context.Context, int, []*entry.Entry) error {
				if time.Now().Before(up) {
					return sink.Retryable(errors.New("down"), time.Hour)
				}
				return nil
			}}
			q := newQueue(t, f, nil)
			q.Enqueue(logEntry(1))
			time.Sleep(39 * time.Second) // the worker means to rest for an hour
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := q.Close(ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
			if n := len(f.Entries()); n != 1 {
				t.Errorf("%d delivered, want 1", n)
			}
		})
	})
	t.Run("deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &faulty{fault: func(context.Context, int, []*entry.Entry) error { return errors.New("down") }}
			log := &errorLog{}
			q := newQueue(t, f, &sink.QueueOptions{OnError: log.add})
			for i := range 700 {
				q.Enqueue(logEntry(i))
			}
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := q.Close(ctx)
			var drop *sink.DropError
			if !errors.As(err, &drop) || drop.Count != 700 || drop.Reason != sink.DropClosed || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close = %v, want 700 dropped, by the deadline", err)
			}
			if d := time.Since(begin); d != 10*time.Second {
				t.Errorf("Close took %s", d)
			}
			if d := log.drops(); d[sink.DropClosed] != 700 {
				t.Errorf("OnError was told of %v", d)
			}
			if again := q.Close(t.Context()); again != err {
				t.Errorf("the second Close = %v, want the first one's error", again)
			}
			if s := q.Stats(); s.Dropped[sink.DropClosed] != 700 || s.Waiting != 0 || balance(s) != nil {
				t.Errorf("Stats = %+v", s)
			}
			if !f.Closed() {
				t.Error("the sink was not closed")
			}
		})
	})
	t.Run("hanging sink", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{make(chan struct{}), make(chan struct{})} // does not look at its context
			q := newQueue(t, g, nil)
			q.Enqueue(logEntry(1))
			<-g.entered
			q.Enqueue(logEntry(2))
			flushed := make(chan error, 1)
			go func() { flushed <- q.Flush(context.Background()) }()
			synctest.Wait()
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := q.Close(ctx)
			var drop *sink.DropError
			if !errors.As(err, &drop) || drop.Count != 2 {
				t.Errorf("Close = %v, want 2 dropped", err)
			}
			if d := time.Since(begin); d > 5*time.Second+200*time.Millisecond {
				t.Errorf("Close took %s with a deadline of 5s", d)
			}
			if err := <-flushed; !errors.Is(err, sink.ErrClosed) {
				t.Errorf("the Flush that waited = %v, want ErrClosed", err)
			}
			// What the sink does after all does not change the account.
			close(g.open)
			synctest.Wait()
			if s := q.Stats(); s.Delivered != 0 || s.Dropped[sink.DropClosed] != 2 || balance(s) != nil {
				t.Errorf("Stats = %+v", s)
			}
		})
	})
	t.Run("sink that fails to close", func(t *testing.T) {
		s := &closing{err: errors.New("disk on fire")}
		q := newQueue(t, s, nil)
		if err := q.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "disk on fire") {
			t.Errorf("Close = %v", err)
		}
		s = &closing{value: "broken"}
		q = newQueue(t, s, nil)
		var p *sink.PanicError
		if err := q.Close(t.Context()); !errors.As(err, &p) {
			t.Errorf("Close = %v, want the panic", err)
		}
	})
}

// closing is a sink whose Close fails.
type closing struct {
	sinktest.Memory
	err   error
	value any
}

func (c *closing) Close(context.Context) error {
	if c.value != nil {
		panic(c.value)
	}
	return c.err
}

func TestErrors(t *testing.T) {
	plain := errors.New("plain")
	tests := []struct {
		name      string
		err       error
		permanent bool
		after     time.Duration
		retryable bool
	}{
		{"nil", nil, false, 0, false},
		{"plain", plain, false, 0, false},
		{"permanent", sink.Permanent(plain), true, 0, false},
		{"wrapped permanent", fmt.Errorf("w: %w", sink.Permanent(plain)), true, 0, false},
		{"retryable", sink.Retryable(plain, time.Second), false, time.Second, true},
		{"retryable, negative", sink.Retryable(plain, -time.Second), false, 0, true},
		{"closed", fmt.Errorf("w: %w", sink.ErrClosed), true, 0, false},
		{"retryable closed", sink.Retryable(sink.ErrClosed, 0), false, 0, true},
		{"outermost wins", sink.Retryable(sink.Permanent(plain), 0), false, 0, true},
		{"outermost wins too", sink.Permanent(sink.Retryable(plain, time.Second)), true, 0, false},
		{"panic", &sink.PanicError{}, true, 0, false},
		{"partial", &sink.PartialError{Failed: []sink.Failure{
			{Index: 0, Err: sink.Permanent(plain)},
			{Index: 1, Err: sink.Retryable(plain, time.Second)},
			{Index: 2, Err: sink.Retryable(plain, time.Minute)},
		}}, false, time.Minute, true},
		{"all permanent", &sink.PartialError{Failed: []sink.Failure{{Index: 0, Err: sink.Permanent(plain)}}}, true, 0, false},
		{"empty partial", &sink.PartialError{}, false, 0, false},
	}
	for _, tt := range tests {
		if got := sink.IsPermanent(tt.err); got != tt.permanent {
			t.Errorf("%s: IsPermanent = %v", tt.name, got)
		}
		if after, ok := sink.RetryAfter(tt.err); after != tt.after || ok != tt.retryable {
			t.Errorf("%s: RetryAfter = %s, %v; want %s, %v", tt.name, after, ok, tt.after, tt.retryable)
		}
	}
	if sink.Permanent(nil) != nil || sink.Retryable(nil, time.Second) != nil {
		t.Error("marking nil makes an error")
	}
	if !errors.Is(sink.Permanent(plain), plain) || !errors.Is(sink.Retryable(plain, 0), plain) {
		t.Error("a mark hides its error")
	}
}
