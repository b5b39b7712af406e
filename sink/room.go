package sink

import (
	"time"

	"github.com/txtrail/txtrail/entry"
)

// arrival is an Enqueue that waits for room.
type arrival struct {
	entry *entry.Entry
	cost  int64
	wait  *waiter // of a Deliver; else nil
	done  chan struct{}
	state arrived // q.mu guards it
}

// arrived says what has become of an arrival.
type arrived uint8

const (
	outside    arrived = iota
	inside             // the worker's
	turnedAway         // by Close
)

// block waits until there is room for e, for BlockFor at most and no longer than a
// Deliver may take, and reports whether it was taken. Whoever makes room puts the entry
// there: nobody who comes later can be faster. q.mu is held, and given up.
func (q *Queue) block(e *entry.Entry, cost int64, w *waiter) bool {
	a := &arrival{entry: e, cost: cost, wait: w, done: make(chan struct{}, 1)}
	id, at := e.TxID, e.Time
	q.blocked = append(q.blocked, a)
	q.stats.Blocked++
	wake := q.waiting != busy // it lingers, with a full queue
	q.waiting = busy
	q.mu.Unlock()
	if wake {
		q.nudge()
	}

	began := time.Now()
	limit := q.opts.BlockFor
	if w != nil {
		limit = min(limit, w.within)
	}
	t := time.NewTimer(limit)
	select {
	case <-a.done:
	case <-t.C:
	}
	t.Stop()

	q.mu.Lock()
	q.stats.BlockedTime += time.Since(began)
	switch a.state {
	case inside:
		q.mu.Unlock()
		return true
	case turnedAway: // counted already
		q.mu.Unlock()
		q.reclaim(e)
		return false
	}
	for i := range q.blocked {
		if q.blocked[i] == a {
			q.blocked = append(q.blocked[:i], q.blocked[i+1:]...)
			break
		}
	}
	// The next one may be smaller.
	q.letIn()
	q.refuse(e, id, at, cost, w, reasonFull)
	return false
}

// letIn takes those that wait for room, as far as there is some. The worker calls it
// when it has made some, and looks into the ring by itself afterwards. q.mu is held.
func (q *Queue) letIn() {
	for len(q.blocked) > 0 {
		a := q.blocked[0]
		if q.bytes+a.cost > q.opts.MaxBytes || q.count == len(q.ring) {
			return
		}
		q.blocked[0] = nil
		q.blocked = q.blocked[1:]
		a.state = inside
		if q.push(a.entry, a.cost, a.wait) {
			q.nudge()
		}
		a.done <- struct{}{}
	}
	q.blocked = nil
}

// turnAway drops those that wait for room when Close gives up, and returns how many.
// q.mu is held.
func (q *Queue) turnAway() (n int64) {
	for _, a := range q.blocked {
		n++
		q.stats.Captured++
		a.state = turnedAway
		if a.wait != nil {
			a.wait.lost, a.wait.why = true, reasonClosed
		}
		a.done <- struct{}{}
	}
	q.blocked = nil
	return n
}
