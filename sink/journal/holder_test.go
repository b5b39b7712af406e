package journalsink

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// gated is a sink that fails until it is opened.
type gated struct {
	sinktest.Memory
	open atomic.Bool
}

func (g *gated) Write(ctx context.Context, batch []*entry.Entry) error {
	if !g.open.Load() {
		return errors.New("not yet")
	}
	return g.Memory.Write(ctx, batch)
}

// A process that stands by waits for what the one has delivered that ships, and for
// itself when that one is gone.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	ship := func(now time.Time, to sink.Sink, follow bool) (*Journal, *sink.Ship) {
		t.Helper()
		j := openTest(t, dir, &Options{Now: func() time.Time { return now }, MaxFileBytes: 20 << 10})
		s, err := j.Spool(&SpoolOptions{CommitEvery: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		h, err := sink.NewShip(s, to, &sink.ShipOptions{
			Name: "cloud", MaxAge: -1, Poll: time.Millisecond, RetryMin: time.Millisecond, RetryMax: time.Millisecond,
			Follow: follow, OnError: func(error) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		return j, h
	}
	until := func(what func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !what(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it does not come")
			}
		}
	}
	g, mem := &gated{}, &sinktest.Memory{}
	holds, holder := ship(testStart, g, false)
	until(func() bool { return holder.Stats().Attached })
	stands, standby := ship(testStart.Add(time.Second), mem, true)
	until(func() bool { return standby.Stats().Standby })
	if err := standby.Flush(t.Context()); err != nil {
		t.Errorf("nothing waits: %v", err)
	}

	bounded, cancelAll := context.WithTimeout(t.Context(), time.Minute)
	defer cancelAll()
	total := 0
	write := func(n int) {
		writeTest(t, stands, 1000+total, n)
		total += n
	}
	write(3)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := standby.Flush(short); !errors.Is(err, sink.ErrHeld) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the sink is away: %v", err)
	}
	g.open.Store(true)
	for _, n := range []int{1, 1, 200, 2, 100} { // over the end of files
		write(n)
		if err := standby.Flush(bounded); err != nil {
			t.Error(err)
		}
		if got := len(g.Entries()); got != total {
			t.Errorf("flushed, and the sink has %d entries of %d", got, total)
		}
	}
	if n := len(mem.Entries()); n != 0 {
		t.Errorf("the one that stands by has shipped %d", n)
	}

	g.open.Store(false)
	write(2)
	done := make(chan error)
	go func() { done <- standby.Flush(bounded) }()
	if err := holder.Close(t.Context()); err != nil && !errors.Is(err, sink.ErrLeft) {
		t.Error(err)
	}
	if err := <-done; err != nil || len(mem.Entries()) != 2 {
		t.Errorf("when the one is gone: %v, %d entries", err, len(mem.Entries()))
	}
	for _, c := range []interface{ Close(context.Context) error }{standby, holds, stands} {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
