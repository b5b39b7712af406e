package cloudloggingquery

import (
	"context"
	"slices"
	"sync"
	"time"
)

// budget lets so many reads through in any minute, in the order of asking.
type budget struct {
	max    int
	onWait func(time.Duration)

	turn  chan struct{} // room for one: who waits is in it, the others stand in line
	mu    sync.Mutex
	taken []time.Time
	until time.Time // the service said to wait until then
}

func newBudget(n int, onWait func(time.Duration)) *budget {
	return &budget{max: n, onWait: onWait, turn: make(chan struct{}, 1)}
}

// take returns when a read may be made, or ctx ends. Time is the monotonic one of the
// process: this is about the service's minute, not about entries.
func (b *budget) take(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for told := false; ; told = true {
		now := time.Now()
		wait := b.wait(now)
		if wait <= 0 {
			return nil
		}
		if !told {
			b.onWait(wait)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// wait takes a read, or says how long until there is one.
func (b *budget) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.until.Sub(now); d > 0 {
		return d
	}
	b.forget(now)
	if len(b.taken) >= b.max {
		return b.taken[0].Add(time.Minute).Sub(now)
	}
	b.taken = append(b.taken, now)
	return 0
}

// plenty reports whether half of the reads are left.
func (b *budget) plenty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.forget(now)
	return len(b.taken) <= b.max/2 && !b.until.After(now)
}

func (b *budget) forget(now time.Time) {
	b.taken = slices.DeleteFunc(b.taken, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
}

// exhausted notes that the service refused a read, and for how long.
func (b *budget) exhausted(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := time.Now().Add(d); t.After(b.until) {
		b.until = t
	}
}
