package blackbox

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// freeWord keeps its three numbers apart, at their ends too.
func TestFreeWord(t *testing.T) {
	w := freeWord(0).with(MaxSlots, MaxSlots)
	for range 3 {
		if w.top() != MaxSlots || w.used() != MaxSlots {
			t.Fatalf("%d, %d", w.top(), w.used())
		}
		before := w
		if w = w.with(MaxSlots, MaxSlots); w == before {
			t.Fatal("a change does not show")
		}
		if w = w.with(0, 0); w.top() != 0 || w.used() != 0 {
			t.Fatalf("%d, %d", w.top(), w.used())
		}
		w |= freeWord(1<<(64-topBits-usedBits)-1) << (topBits + usedBits) // the last change before it begins anew
		w = w.with(MaxSlots, MaxSlots)
	}
}

// Whenever a table is closed while requests come and go, it ends with the last of them
// and not before, and nobody touches its memory afterwards.
func TestCloseUnderUse(t *testing.T) {
	for round := range 60 {
		table := create(t, 8)
		var users sync.WaitGroup
		begun := make(chan struct{}, 100)
		stop := make(chan struct{})
		for u := range 4 {
			users.Go(func() {
				var held sink.InFlightSlot
				for i := 0; ; i++ {
					s := table.Begin(request(u*1000 + i))
					if s != nil {
						s.SetRoute("/api")
					}
					if held != nil {
						held.End()
					}
					held = s
					select {
					case begun <- struct{}{}:
					default:
					}
					if s == nil && table.closed.Load() {
						return
					}
				}
			})
		}
		users.Go(func() {
			for {
				table.Beat(time.Now())
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		for range round % 7 {
			<-begun
		}
		last := table.Begin(request(1))
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		if last != nil {
			if _, err := os.Lstat(table.Path()); err != nil {
				t.Fatalf("ended with a request in it: %v", err)
			}
			last.End()
		}
		close(stop)
		users.Wait()
		if _, err := os.Lstat(table.Path()); !os.IsNotExist(err) {
			t.Fatalf("round %d: the file is left: %v", round, err)
		}
		if table.Used() != 0 || table.mem != nil || table.Broken() {
			t.Fatalf("round %d: %d in use, mapped %v, broken %v", round, table.Used(), table.mem != nil, table.Broken())
		}
	}
}
