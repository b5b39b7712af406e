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

// deaf is a sink that does not look at its context.
type deaf struct{ write, close bool }

func (d deaf) Write(context.Context, []*entry.Entry) error {
	if d.write {
		time.Sleep(time.Hour)
	}
	return errors.New("down")
}

func (d deaf) Close(context.Context) error {
	if d.close {
		time.Sleep(time.Hour)
	}
	return nil
}

// What a sink says when it is closed comes through, however many queues stand before it
// and whatever hangs behind them; and Close returns when it has promised to.
func TestCloseGrace(t *testing.T) {
	branch := func(t *testing.T, s sink.Sink) sink.Sink {
		b, err := sink.NewBranch(s, &sink.QueueOptions{OnError: func(error) {}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	all := func(*entry.Entry) bool { return true }
	const single = 300 * time.Millisecond
	for _, tt := range []struct {
		name  string
		sink  func(t *testing.T, d sink.Sink) sink.Sink
		grace time.Duration
		drops int // told by as many queues
	}{
		{"alone", func(_ *testing.T, d sink.Sink) sink.Sink { return d }, single, 1},
		{"fanout", func(_ *testing.T, d sink.Sink) sink.Sink { return sink.Fanout(d, &sinktest.Memory{}) }, 350 * time.Millisecond, 1},
		{"branch", branch, 500 * time.Millisecond, 1},
		{"branches", func(t *testing.T, d sink.Sink) sink.Sink {
			return sink.Fanout(branch(t, d), branch(t, d), &sinktest.Memory{})
		}, 550 * time.Millisecond, 2},
		{"filtered and named", func(t *testing.T, d sink.Sink) sink.Sink {
			return sink.WithName(sink.Filter(branch(t, sink.Filter(d, all)), all), "x")
		}, 500 * time.Millisecond, 1},
		{"three queues", func(t *testing.T, d sink.Sink) sink.Sink { return branch(t, branch(t, d)) }, 700 * time.Millisecond, 1},
	} {
		for _, d := range []deaf{{}, {write: true}, {close: true}, {write: true, close: true}} {
			for _, within := range []time.Duration{0, 100 * time.Millisecond, 5 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					q := newQueue(t, tt.sink(t, d), &sink.QueueOptions{OnError: func(error) { time.Sleep(time.Hour) }})
					if g := q.CloseGrace(); g != tt.grace {
						t.Errorf("%s: CloseGrace is %s, want %s", tt.name, g, tt.grace)
					}
					q.Enqueue(logEntry(1))
					time.Sleep(time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					begun := time.Now()
					err := q.Close(ctx)
					if took := time.Since(begun); took > within+tt.grace {
						t.Errorf("%s, %+v, %s: Close took %s", tt.name, d, within, took)
					}
					var drop *sink.DropError
					if !errors.As(err, &drop) || strings.Count(err.Error(), "1 entry dropped (closed)") != tt.drops {
						t.Errorf("%s, %+v, %s: %v", tt.name, d, within, err)
					}
					time.Sleep(4 * time.Hour) // who was left in the sink comes back
				})
			}
		}
	}
}

// A Ship keeps the same promise, and says what is left.
func TestShipCloseGrace(t *testing.T) {
	for _, d := range []deaf{{}, {write: true}, {close: true}, {write: true, close: true}} {
		for _, within := range []time.Duration{0, 5 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				sp := newSpool()
				sp.add(sinktest.Samples(0, 5)...)
				h := newShip(t, sp, d, &sink.ShipOptions{MaxAge: -1, OnError: func(error) { time.Sleep(time.Hour) }})
				time.Sleep(time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				begun := time.Now()
				err := h.Close(ctx)
				if took := time.Since(begun); took > within+300*time.Millisecond || h.CloseGrace() != 300*time.Millisecond {
					t.Errorf("%+v: Close took %s", d, took)
				}
				if !errors.Is(err, sink.ErrLeft) || strings.Contains(err.Error(), "did not close") != d.close {
					t.Errorf("%+v: %v", d, err)
				}
				time.Sleep(4 * time.Hour)
			})
		}
	}
}

// A sink that hangs in Close takes nobody else's time.
func TestFanoutClosesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var left, at time.Duration
		other := closer(func(ctx context.Context) error {
			end, _ := ctx.Deadline()
			at, left = time.Since(begun), time.Until(end)
			return errors.New("heard")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := sink.Fanout(deaf{close: true}, other).Close(ctx)
		if at != 0 || left != time.Second {
			t.Errorf("the second sink was closed after %s, with %s left", at, left)
		}
		if d := time.Since(begun); d != 1050*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "heard") {
			t.Errorf("after %s: %v", d, err)
		}
		time.Sleep(2 * time.Hour)
	})
}

type closer func(ctx context.Context) error

func (closer) Write(context.Context, []*entry.Entry) error { return nil }
func (c closer) Close(ctx context.Context) error           { return c(ctx) }

// What has ended is told so, also to who comes with a context that has.
func TestEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		q := newQueue(t, sink.Discard(), nil)
		h := newShip(t, newSpool(), sink.WithName(sink.Discard(), "x"), nil)
		mustClose(t, q)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for range 200 {
			if err := errors.Join(q.Close(over), h.Close(over), q.Flush(over)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
