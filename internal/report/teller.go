package report

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Prompt is how long who has something to tell waits for its being told. Nearly every
// function returns sooner, and has been told then before anything else happens; one that
// waits, for the very goroutine that tells it perhaps, holds up nobody for longer.
const Prompt = 50 * time.Millisecond

// LastWord is how long who ends waits for what has been met until then to be told, in the
// time that it was given.
const LastWord = time.Second

// maxPending bounds what waits to be told.
const maxPending = 100

// Teller hands errors to a function of the user's, one at a time and in their order, on
// a goroutine of its own that lives as long as there is something to tell. So the
// function may wait for what the goroutine does that has met the error. Make one with
// [NewTeller]; it is safe for concurrent use.
type Teller struct {
	tell func(error)

	mu      sync.Mutex
	pending []pending
	skipped int           // for which there was no room
	busy    chan struct{} // closed when the goroutine ends; nil: there is none
}

type pending struct {
	err  error
	told func() // called when it was told; may be nil
}

// NewTeller returns a Teller that calls tell.
func NewTeller(tell func(error)) *Teller { return &Teller{tell: tell} }

// Tell has err told, and waits for that up to [Prompt] if nothing else is being told.
func (t *Teller) Tell(err error) {
	t.mu.Lock()
	if len(t.pending) >= maxPending {
		t.skipped++
		t.mu.Unlock()
		return
	}
	if t.skipped > 0 {
		err = fmt.Errorf("%w (%d before it were not told: OnError takes too long)", err, t.skipped)
		t.skipped = 0
	}
	t.mu.Unlock()
	if begun := t.Add(err, nil); begun != nil {
		Within(begun, Prompt)
	}
}

// Add has err told, and told called afterwards, if it is not nil. If nothing else is
// being told it returns a channel that is closed when nothing is any more.
func (t *Teller) Add(err error, told func()) (begun <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, pending{err, told})
	if t.busy != nil {
		return nil
	}
	t.busy = make(chan struct{})
	go t.run(t.busy)
	return t.busy
}

// Busy returns a channel that is closed when nothing is being told any more; nil if
// nothing is.
func (t *Teller) Busy() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.busy // a nil channel of this type is nil of that
}

// Finish waits until nothing is being told any more: for [LastWord] at most, and no longer
// than [Prompt] beyond ctx.
func (t *Teller) Finish(ctx context.Context) {
	busy := t.Busy()
	if busy == nil {
		return
	}
	timer := time.NewTimer(LastWord)
	defer timer.Stop()
	select {
	case <-busy:
	case <-timer.C:
	case <-ctx.Done():
		Within(busy, Prompt)
	}
}

func (t *Teller) run(busy chan struct{}) {
	defer func() {
		t.mu.Lock()
		if t.busy == busy { // the function has ended its goroutine
			t.busy = nil
			if len(t.pending) > 0 || t.skipped > 0 {
				t.busy = make(chan struct{})
				go t.run(t.busy)
			}
		}
		t.mu.Unlock()
		close(busy)
	}()
	for {
		t.mu.Lock()
		if len(t.pending) == 0 && t.skipped > 0 {
			t.pending = append(t.pending, pending{err: notTold(t.skipped)})
			t.skipped = 0
		}
		if len(t.pending) == 0 {
			t.pending, t.busy = nil, nil
			t.mu.Unlock()
			return
		}
		p := t.pending[0]
		t.pending = t.pending[1:]
		t.mu.Unlock()
		t.one(p)
	}
}

// notTold is told in the end of what there was no room for, if no other error was.
func notTold(n int) error {
	if n == 1 {
		return errors.New("txtrail: 1 error was not told: OnError takes too long")
	}
	return fmt.Errorf("txtrail: %d errors were not told: OnError takes too long", n)
}

// one calls the function. A fault in it must not stop anything else.
func (t *Teller) one(p pending) {
	if p.told != nil {
		defer p.told()
	}
	defer func() { _ = recover() }()
	t.tell(p.err)
}

// Within waits until done is closed, for d at most, and reports whether it is. A nil
// channel counts as closed.
func Within(done <-chan struct{}, d time.Duration) bool {
	if done == nil {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}
