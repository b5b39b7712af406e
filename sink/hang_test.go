package sink_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// hangs counts the errors that tell of a Write that has not returned.
func (l *errorLog) hangs() (n int) {
	for _, err := range l.all() {
		if strings.Contains(err.Error(), "has not returned") {
			n++
		}
	}
	return n
}

// A sink that does not look at its context keeps nobody from being told, neither of
// itself nor of what is dropped meanwhile.
func TestQueueHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		var log errorLog
		q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 16 << 10, WriteTimeout: 200 * time.Millisecond, OnError: log.add})
		q.Enqueue(logEntry(0))
		<-f.entered
		time.Sleep(500 * time.Millisecond)
		for i := range 100 {
			q.Enqueue(logEntry(i))
		}
		if n := len(log.all()); n > 0 {
			t.Errorf("told too early: %v", log.all())
		}
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		s := q.Stats()
		if full := s.Dropped[sink.DropFull]; full == 0 || log.drops()[sink.DropFull] != full {
			t.Errorf("%d dropped, told of %v", full, log.drops())
		}
		if n := log.hangs(); n != 1 || !strings.Contains(s.LastError, "has not returned for 2s") {
			t.Errorf("told %d times: %v; the last error is %q", n, log.all(), s.LastError)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := log.hangs(); n < 5 || n > 15 {
			t.Errorf("told %d times in an hour", n)
		}
		q.Enqueue(logEntry(1000))
		release()
		mustClose(t, q)
		if s := q.Stats(); log.drops()[sink.DropFull] != s.Dropped[sink.DropFull] {
			t.Errorf("%v dropped, told of %v", s.Dropped, log.drops())
		}
	})
}

func TestShipHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := holding()
		var log errorLog
		sp := newSpool()
		sp.add(sinktest.Samples(0, 3)...)
		h := newShip(t, sp, f, &sink.ShipOptions{WriteTimeout: 200 * time.Millisecond, MaxAge: -1, OnError: log.add})
		<-f.entered
		time.Sleep(1500 * time.Millisecond)
		if n := log.hangs(); n > 0 {
			t.Errorf("told %d times", n)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if s := shipBalance(t, h); log.hangs() != 1 || s.Failures != 1 || !strings.Contains(s.LastError, "cloud: a Write has not returned") {
			t.Errorf("told %v; %+v", log.all(), s)
		}
		release()
		if err := h.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if s := shipBalance(t, h); s.Failures != 0 || s.Delivered != 3 {
			t.Errorf("%+v", s)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Without a deadline a Close ends all the same: with a sink that fails after some
// seconds, and with one that does not return.
func TestCloseWithoutDeadline(t *testing.T) {
	refused := errors.New("no such folder")
	gate := make(chan struct{})
	for name, c := range map[string]struct {
		write       func(ctx context.Context) error
		least, most time.Duration
		why         string
	}{
		"fails":     {func(context.Context) error { return refused }, 5 * time.Second, 10 * time.Second, refused.Error()},
		"times out": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 10 * time.Second, 21 * time.Second, "context"},
		"hangs":     {func(context.Context) error { <-gate; return nil }, 11 * time.Second, 14 * time.Second, "does not return"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate = make(chan struct{})
				f := &faulty{fault: func(ctx context.Context, _ int, _ []*entry.Entry) error { return c.write(ctx) }}
				var log errorLog
				q := newQueue(t, f, &sink.QueueOptions{OnError: log.add})
				for i := range 3 {
					q.Enqueue(logEntry(i))
				}
				time.Sleep(time.Hour)
				begun := time.Now()
				err := q.Close(context.Background())
				d := time.Since(begun)
				var drop *sink.DropError
				if !errors.As(err, &drop) || drop.Reason != sink.DropClosed || drop.Count != 3 || !strings.Contains(err.Error(), c.why) {
					t.Errorf("closed with %v", err)
				}
				if d < c.least || d > c.most {
					t.Errorf("it took %s", d)
				}
				if s := q.Stats(); s.Dropped[sink.DropClosed] != 3 || s.Waiting != 0 {
					t.Errorf("%+v", s)
				}
				if got := log.drops()[sink.DropClosed]; got != 3 {
					t.Errorf("told of %d", got)
				}
				told := len(log.all())
				time.Sleep(time.Hour)
				if len(log.all()) != told {
					t.Error("told after Close")
				}
				close(gate)
			})
		})
	}
	t.Run("mended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			mended := time.Now().Add(time.Hour + 4*time.Second)
			f := &faulty{fault: func(context.Context, int, []*entry.Entry) error {
				if time.Now().Before(mended) {
					return refused
				}
				return nil
			}}
			q := newQueue(t, f, &sink.QueueOptions{OnError: func(error) {}})
			q.Enqueue(logEntry(0))
			time.Sleep(time.Hour)
			mustClose(t, q)
			if s := q.Stats(); s.Delivered != 1 {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("a deadline is used up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &faulty{fault: func(context.Context, int, []*entry.Entry) error { return refused }}
			q := newQueue(t, f, &sink.QueueOptions{OnError: func(error) {}})
			q.Enqueue(logEntry(0))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begun := time.Now()
			if err := q.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) < time.Minute {
				t.Errorf("after %s: %v", time.Since(begun), err)
			}
		})
	})
	t.Run("a ship's sink hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, release := holding()
			sp := newSpool()
			sp.add(sinktest.Samples(0, 3)...)
			h := newShip(t, sp, f, &sink.ShipOptions{MaxAge: -1})
			<-f.entered
			begun := time.Now()
			if err := h.Close(context.Background()); !errors.Is(err, sink.ErrLeft) || time.Since(begun) > 15*time.Second {
				t.Errorf("after %s: %v", time.Since(begun), err)
			}
			release()
		})
	})
}
