package outbound

import (
	"context"
	"sync"
	"time"
)

// watchAfter is how long a response's body may be open before its call's context
// is watched.
const watchAfter = 100 * time.Millisecond

// watch finds the calls whose context ends while the response's body is neither
// read to its end nor closed. Most bodies are read within milliseconds, and
// context.AfterFunc costs four allocations and the parent's lock: a call is
// therefore only put into a list, and what is there still after a while gets the
// AfterFunc. The timer runs while there is something in the list, and is a new one
// each time: a timer of a synctest bubble must not be reset from outside.
type watch struct {
	mu    sync.Mutex
	first *call
	timed bool
	round uint // how often the timer has fired
}

// link is a call's place in the list.
type link struct {
	next, prev *call
	round      uint // that of its entry
	in         bool
}

// add begins to watch c.
func (w *watch) add(c *call) {
	w.mu.Lock()
	c.watched = link{next: w.first, round: w.round, in: true}
	if w.first != nil {
		w.first.watched.prev = c
	}
	w.first = c
	start := !w.timed
	w.timed = true
	w.mu.Unlock()
	if start {
		time.AfterFunc(watchAfter, w.look)
	}
}

// remove ends it.
func (w *watch) remove(c *call) {
	w.mu.Lock()
	w.unlink(c)
	w.mu.Unlock()
}

// unlink is called with the lock held.
func (w *watch) unlink(c *call) {
	l := &c.watched
	if !l.in {
		return
	}
	if l.prev != nil {
		l.prev.watched.next = l.next
	} else {
		w.first = l.next
	}
	if l.next != nil {
		l.next.watched.prev = l.prev
	}
	*l = link{}
}

// look has the contexts watched of those that have been there for a whole round.
func (w *watch) look() {
	var old []*call
	w.mu.Lock()
	for c := w.first; c != nil; {
		next := c.watched.next
		if c.watched.round < w.round {
			w.unlink(c)
			old = append(old, c)
		}
		c = next
	}
	w.round++
	w.timed = w.first != nil
	again := w.timed
	w.mu.Unlock()
	if again {
		time.AfterFunc(watchAfter, w.look)
	}
	for _, c := range old {
		c.follow()
	}
}

// follow has the call's context watched.
func (c *call) follow() {
	stop := context.AfterFunc(c.ctx, c.abandoned)
	c.mu.Lock()
	done := c.done
	if !done {
		c.stop = stop
	}
	c.mu.Unlock()
	if done {
		stop()
	}
}
