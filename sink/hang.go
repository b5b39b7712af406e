package sink

import (
	"fmt"
	"sync"
	"time"
)

const (
	// hangStep is how often is looked after a Write that has not returned: what would
	// be told after it is told meanwhile.
	hangStep = time.Second
	// hangSlack is what a Write has beyond its time before it is told of.
	hangSlack = time.Second
	// hangMost bounds the pause between two words on one Write. It doubles.
	hangMost = time.Hour
)

// hang looks after the Write that runs. A sink that does not look at its context holds
// up the goroutine that tells everything else, so a timer does it. It costs a Write no
// allocation and no goroutine, as long as that returns within a second.
type hang struct {
	timer *time.Timer
	look  func(since time.Duration) // each second, while a Write runs
	gone  <-chan struct{}           // closed: nobody is told any more
	told  func(since time.Duration) // that it has not returned for so long

	mu    sync.Mutex
	begun time.Time     // of the Write that runs; zero: none does
	next  time.Duration // since then, when it is told
}

func newHang(gone <-chan struct{}, look, told func(time.Duration)) *hang {
	g := &hang{gone: gone, look: look, told: told}
	g.timer = time.AfterFunc(time.Hour, g.fire)
	g.timer.Stop()
	return g
}

// begin is called before a Write that has so long.
func (g *hang) begin(limit time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun, g.next = time.Now(), limit+hangSlack
	g.timer.Reset(hangStep)
}

// end is called after it.
func (g *hang) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun = time.Time{}
	g.timer.Stop()
}

func (g *hang) fire() {
	g.mu.Lock()
	if g.begun.IsZero() || isDone(g.gone) {
		g.mu.Unlock()
		return
	}
	since := time.Since(g.begun)
	due := since >= g.next
	if due {
		g.next = since + min(since, hangMost)
	}
	g.timer.Reset(hangStep)
	g.mu.Unlock()
	if due {
		g.told(since)
	}
	g.look(since)
}

// hangError says that a Write has not returned.
func hangError(name string, since, limit time.Duration) error {
	if name != "" {
		name += ": "
	}
	return fmt.Errorf("sink: %sa Write has not returned for %s, although its context ended after %s: nothing goes on before it does; the sink must look at its context",
		name, since.Round(time.Second), limit)
}
