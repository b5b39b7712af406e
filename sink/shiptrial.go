package sink

import (
	"errors"
	"time"
)

const (
	// circuitFailures in a row open the circuit.
	circuitFailures = 5
	// probeSize is how many entries a trial has then.
	probeSize = 10
	// refusedAlone in a row, each in a Write of its own and nothing accepted in
	// between, say that the sink refuses everything and not these entries.
	refusedAlone = 8
)

// trial decides how many entries a Write gets, and what its error says of each.
type trial struct {
	most     int   // a whole batch
	limit    int   // now
	failures int64 // attempts in a row of which nothing was settled
	alone    int   // entries refused alone in a row
	dividing bool  // a whole batch was refused: who is meant is being found out
}

func newTrial(most int) trial { return trial{most: most, limit: most} }

// open reports whether the sink is taken for one that is down.
func (t *trial) open() bool { return t.failures >= circuitFailures }

// size is how many of n entries to write.
func (t *trial) size(n int) int {
	if t.open() {
		n = min(n, probeSize)
	}
	return min(n, t.limit)
}

// outcome is what became of one entry.
type outcome struct {
	keep    bool  // to be written again
	refused error // for good; nil if it was delivered
}

// judge returns what err says of each of the n entries of a Write.
func (t *trial) judge(n int, err error) func(i int) outcome {
	t.dividing = false
	delivered := func(int) outcome { return outcome{} }
	keep := func(int) outcome { return outcome{keep: true} }
	var partial *PartialError
	switch {
	case err == nil:
		t.took()
		return delivered
	case errors.As(err, &partial):
		failed := make(map[int]error, len(partial.Failed))
		kept := false
		for _, f := range partial.Failed {
			failed[f.Index] = f.Err
			kept = kept || !IsPermanent(f.Err)
		}
		switch {
		case len(failed) < n:
			t.took()
		case kept:
			t.failures++
		default:
			t.failures = 0 // it has an answer for each
		}
		return func(i int) outcome {
			why, bad := failed[i]
			switch {
			case !bad:
				return outcome{}
			case IsPermanent(why):
				return outcome{refused: why}
			}
			return outcome{keep: true}
		}
	case !IsPermanent(err), errors.Is(err, ErrClosed): // the latter is no word on an entry
		t.failures++
		return keep
	case n > 1:
		// The whole of it was refused: which entry is meant?
		t.limit, t.dividing = n/2, true
		return keep
	}
	t.limit = 1
	if t.alone++; t.alone > refusedAlone {
		t.failures = max(circuitFailures, t.failures+1)
		return keep
	}
	t.dividing = true
	return func(int) outcome { return outcome{refused: err} }
}

// took: the sink has accepted something.
func (t *trial) took() {
	t.failures, t.alone = 0, 0
	t.limit = min(t.most, 4*t.limit)
}

// pause is how long to wait after err.
func (w *shipper) pause(attempt int, err error) time.Duration {
	after, _ := RetryAfter(err)
	d := pause(attempt, after, w.h.opts.RetryMin, w.h.opts.RetryMax)
	if w.h.isClosing() {
		d = min(d, drainPause)
	}
	return d
}

// rest waits for d while the sink is away, and looks at the Spool meanwhile. When Close
// begins it returns early, for one more attempt. It returns false when Close gives up.
func (w *shipper) rest(d time.Duration) bool {
	for end := time.Now().Add(d); ; {
		step := min(restStep, time.Until(end))
		if step <= 0 {
			return w.h.ctx.Err() == nil
		}
		closing := w.h.isClosing()
		if !w.h.rest(step) {
			return false
		}
		if !closing && w.h.isClosing() {
			return true
		}
		_, _ = w.look() // an error comes again where it counts
		w.h.report.flush(false)
	}
}

// rest waits for d, or until Close begins. It returns false when Close gives up.
func (h *Ship) rest(d time.Duration) bool {
	begun := h.draining
	if h.isClosing() {
		begun = nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-begun:
	case <-h.ctx.Done():
		return false
	}
	return true
}

// sleep waits for d, for a token of Flush or Close, or for one of the Spool.
func (w *shipper) sleep(d time.Duration, changed <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	case <-w.h.wake:
	case <-w.h.ctx.Done():
	}
}
