package sink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// The law of sinks, but for one case: what a Branch has accepted is in memory, and a
// Close that has no time leaves it there. Its doc says so.
func TestBranchConformance(t *testing.T) {
	left := 0
	for _, c := range sinktest.Cases() {
		if c.Name == "close in no time" {
			left++
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			memory := &sinktest.Memory{}
			b, err := sink.NewBranch(memory, &sink.QueueOptions{OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			h := sinktest.Harness{Sink: b, Stored: func() ([]*entry.Entry, error) {
				err := b.Flush(context.Background())
				return memory.Entries(), err
			}}
			if err := c.Check(h); err != nil {
				t.Errorf("%v\nthe rule: %s", err, c.Reason)
			}
		})
	}
	if left != 1 {
		t.Errorf("%d cases left out, want 1", left)
	}
}

func TestBranchNeedsASink(t *testing.T) {
	if _, err := sink.NewBranch(nil, nil); !errors.Is(err, sink.ErrOptions) {
		t.Errorf("%v, want ErrOptions", err)
	}
}

// away is a sink that does not answer until it is back.
type away struct {
	sinktest.Memory
	back chan struct{}
}

func (a *away) Write(ctx context.Context, batch []*entry.Entry) error {
	select {
	case <-a.back:
		return a.Memory.Write(ctx, batch)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A dead sink stalls nobody: what stands beside it in a Fanout has every entry at
// once, and it gets them all when it is back, as far as they fit its memory; what
// did not fit it is told of.
func TestBranchStallsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := &away{back: make(chan struct{})}
		branch, err := sink.NewBranch(dead, &sink.QueueOptions{MaxBytes: 256 << 10, OnError: func(error) {}})
		if err != nil {
			t.Fatal(err)
		}
		alive := &sinktest.Memory{}
		q, err := sink.NewQueue(sink.Fanout(alive, branch), nil)
		if err != nil {
			t.Fatal(err)
		}
		const n = 1000
		begun := time.Now()
		for i := range n {
			if !q.Enqueue(&entry.Entry{Kind: entry.KindLog, TxID: "branch-test", Message: "line", Latency: time.Duration(i)}) {
				t.Fatal("dropped by the queue")
			}
		}
		if err := q.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d > time.Second {
			t.Errorf("the dead sink held up the live one for %v", d)
		}
		if got := len(alive.Entries()); got != n {
			t.Errorf("the live sink has %d entries, want %d", got, n)
		}
		if s := q.Stats(); s.Delivered != n || len(s.Dropped) > 0 {
			t.Errorf("%+v, want all delivered", s)
		}
		time.Sleep(time.Minute)
		close(dead.back)
		if err := q.Close(t.Context()); err != nil {
			var drop *sink.DropError
			if !errors.As(err, &drop) {
				t.Error(err)
			}
		}
		s := branch.Stats()
		var gaps int64
		for _, e := range dead.Entries() {
			if e.Gap != nil {
				gaps += e.Gap.Count
			}
		}
		lost := s.Dropped[sink.DropFull]
		if lost == 0 || s.Delivered+lost != n || gaps != lost {
			t.Errorf("delivered %d, dropped %d, told of %d; want %d in all, some of them dropped and all of those told of", s.Delivered, lost, gaps, n)
		}
		if got := int64(len(dead.Entries())); got != s.Delivered+s.Gaps {
			t.Errorf("the sink that came back has %d entries, want %d and %d gap entries", got, s.Delivered, s.Gaps)
		}
	})
}
