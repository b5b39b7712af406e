package sink

import (
	"fmt"
	"time"
)

const (
	// followStep is how often is looked at how far another process has got, while
	// somebody waits for that: the least pause between two looks. A Flush in between waits
	// for the next one, since there may be one for each request.
	followStep = 20 * time.Millisecond
	// followShare bounds what that costs where the folder is large: a pause is at least so
	// many times what the look before it took, up to maxFollowStep.
	followShare   = 10
	maxFollowStep = 200 * time.Millisecond
)

// follow waits for d, and sees meanwhile to the Flushes that wait for what another
// process ships. It returns false when Close begins.
func (w *shipper) follow(d time.Duration) bool {
	h := w.h
	for end := time.Now().Add(d); ; {
		begun := time.Now()
		looked := h.looks()
		if looked {
			if m, err := h.marker.Mark(h.ctx, h.opts.Name); err == nil {
				h.marked(m)
			} else {
				h.report.report(classSpool, fmt.Errorf("sink: %s: how far the process has got that ships can not be told: %w", h.opts.Name, err))
				h.dismiss(fmt.Errorf("%w, and how far it is can not be told: %w", ErrHeld, err))
			}
		}
		awaited := looked || h.awaited()
		h.reached()
		step := time.Until(end)
		switch {
		case step <= 0:
			return true
		case awaited:
			pause := min(max(followStep, followShare*time.Since(begun)), maxFollowStep)
			if !h.rest(min(step, pause), nil) {
				return false
			}
		default:
			w.sleep(step, nil)
		}
		if h.ctx.Err() != nil || h.isDraining() {
			return false
		}
	}
}
