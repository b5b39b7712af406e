package sink

import "time"

// pause is how long to wait after err.
func (w *shipper) pause(attempt int, err error) time.Duration {
	after, _ := RetryAfter(err)
	d := pause(attempt, after, w.h.opts.RetryMin, w.h.opts.RetryMax)
	if w.h.isDraining() {
		d = min(d, drainPause)
	}
	return d
}

// rest waits for d while the sink is away, and looks at the Spool meanwhile. When Close
// begins it returns early, for one more attempt. So it does, if there is a seek, when
// that finds something that has come meanwhile, or somebody waits. It returns false when
// Close gives up.
func (w *shipper) rest(d time.Duration, seek func() bool) bool {
	most := restStep
	var changed <-chan struct{}
	if seek != nil {
		most = w.h.opts.Poll
		changed = w.feed.Changed()
	}
	seen := int64(-1)
	for end := time.Now().Add(d); ; {
		step := min(most, time.Until(end))
		if step <= 0 {
			return w.h.ctx.Err() == nil
		}
		closing := w.h.isDraining()
		if !w.h.rest(step, changed) {
			return false
		}
		if !closing && w.h.isDraining() {
			return true
		}
		b, err := w.look() // an error comes again where it counts
		w.h.report.flush()
		if seek == nil || err != nil {
			continue
		}
		if w.last != nil && w.h.awaited() {
			return true
		}
		if b.Entries <= seen {
			continue
		}
		if seen = b.Entries; seen > 0 && seek() {
			return true
		}
	}
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
