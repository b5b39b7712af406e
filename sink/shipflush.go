package sink

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnread is returned, wrapped, by [Ship.Flush] when it has waited in vain for what can
// not be read in the [Spool] now. That waits on, and is in the figures as Waiting.
var ErrUnread = errors.New("sink: some of the spool can not be read now")

// shipWaiter is a Flush that waits.
type shipWaiter struct {
	looked  bool  // the Spool is being looked at for it
	mark    Mark  // what it waits for; nil: not known yet
	dropped int64 // when it began
	aside   int64 // Backlog.Aside, when it began
	err     error
	done    chan struct{} // closed when it has ended
}

// Flush waits until everything that is in the Spool by now has been delivered or
// dropped, or ctx ends. It waits for a place and not for a number: an entry that was
// put back, since the sink has refused it for the moment, is waited for whatever else
// is delivered meanwhile.
//
// It returns a [*DropError] if entries were dropped meanwhile, an error that wraps
// [ErrHeld] if another process ships for this sink, and one that wraps ctx's and says how
// many still wait when that ended first. What can not be read in the Spool is waited for
// until that puts it aside, by which the Flush fails with [ErrUnread]; those that begin
// later go on without it. With ShipOptions.Follow it waits for the other
// process; whether that one has dropped something its own figures say.
func (h *Ship) Flush(ctx context.Context) error {
	h.mu.Lock()
	if h.stats.Standby && h.marker == nil {
		h.mu.Unlock()
		return fmt.Errorf("sink: flush: %s: %w", h.opts.Name, ErrHeld)
	}
	w := &shipWaiter{dropped: h.lost(), aside: h.backlog.Aside, done: make(chan struct{})}
	h.waiters = append(h.waiters, w)
	h.mu.Unlock()
	h.nudge()
	ended := false
	select {
	case <-w.done:
	case <-h.done:
		ended = true
	case <-h.closed: // and the goroutine hangs in the sink
		ended = true
	case <-ctx.Done():
	}
	h.mu.Lock()
	left := h.inflight + h.backlog.Entries
	waited := h.forget(w)
	standby := h.stats.Standby
	h.mu.Unlock()
	switch {
	case !waited: // it has ended by now, whatever ctx has
		return w.err
	case ended:
		return fmt.Errorf("sink: flush: %s: %w", h.opts.Name, ErrClosed)
	case standby:
		return fmt.Errorf("sink: flush: %s: %w, and has not said yet that it has delivered what is there: %w", h.opts.Name, ErrHeld, context.Cause(ctx))
	}
	return fmt.Errorf("sink: flush: %s: %d entries not delivered yet: %w", h.opts.Name, left, context.Cause(ctx))
}

// forget ends the wait of a Flush, and reports whether it was still waiting. h.mu is held.
func (h *Ship) forget(w *shipWaiter) bool {
	for i := range h.waiters {
		if h.waiters[i] == w {
			h.waiters = append(h.waiters[:i], h.waiters[i+1:]...)
			return true
		}
	}
	return false
}

// looks is called before the Spool is looked at: only who waited then may rely on what
// is seen. It reports whether anybody waits for that.
func (h *Ship) looks() (awaited bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiters {
		w.looked = true
		awaited = awaited || w.mark == nil
	}
	return awaited
}

// marked gives those who waited when the Spool was looked at the place that was seen.
func (h *Ship) marked(m Mark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiters {
		if w.looked && w.mark == nil {
			w.mark = m
		}
	}
}

// reached ends the Flushes whose place was passed. Only the worker may ask a Mark, which
// may read a file for it: they are asked from the first to the one that is not passed,
// since those after it can not be either.
func (h *Ship) reached() {
	var marks []Mark // few: who waited for the same look has the same one
	h.mu.Lock()
	for _, w := range h.waiters {
		if w.mark != nil && (len(marks) == 0 || marks[len(marks)-1] != w.mark) {
			marks = append(marks, w.mark)
		}
	}
	h.mu.Unlock()
	passed := make(map[Mark]bool)
	for _, m := range marks {
		if !m.Passed() {
			break
		}
		passed[m] = true
	}
	if len(passed) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.waiters[:0]
	for _, w := range h.waiters {
		if w.mark == nil || !passed[w.mark] {
			kept = append(kept, w)
			continue
		}
		if n := h.lost() - w.dropped; n > 0 {
			w.err = &DropError{Reason: "while flushing", Count: n}
		}
		if h.backlog.Aside > w.aside {
			w.err = errors.Join(w.err, fmt.Errorf("sink: flush: %s: %w", h.opts.Name, ErrUnread))
		}
		close(w.done)
	}
	clear(h.waiters[len(kept):])
	h.waiters = kept
}

// awaited reports whether a Flush waits.
func (h *Ship) awaited() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiters) > 0
}

// unmark has all Flushes marked anew: the places of another process's Feed are not those
// of the own one.
func (h *Ship) unmark() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backlog.Aside = 0
	for _, w := range h.waiters {
		w.looked, w.mark, w.aside = false, nil, 0
	}
}

// dismiss ends all Flushes with an error.
func (h *Ship) dismiss(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiters {
		w.err = fmt.Errorf("sink: flush: %s: %w", h.opts.Name, err)
		close(w.done)
	}
	h.waiters = nil
}
