package cloudloggingquery

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		b := newBudget(3, func(d time.Duration) { told = append(told, d) })
		start := time.Now()
		var at []time.Duration
		for range 7 {
			if err := b.take(t.Context()); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Since(start))
			time.Sleep(time.Second)
		}
		for i, want := range []int{0, 1, 2, 60, 61, 62, 120} {
			if at[i] != time.Duration(want)*time.Second {
				t.Errorf("read %d at %v, want %v s", i, at[i], want)
			}
		}
		if len(told) != 2 || told[0] != 57*time.Second {
			t.Errorf("told of %v", told)
		}
	})
}

func TestBudgetTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1, func(time.Duration) {})
		b.exhausted(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := b.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("take gives %v before the service's time", err)
		}
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if err := b.take(t.Context()); err == nil {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				}
			})
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		wg.Wait()
		if len(order) != 3 || order[0] != 0 || order[1] != 1 {
			t.Errorf("order %v", order)
		}
	})
}
