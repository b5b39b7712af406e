package sink

import (
	"fmt"
	"time"
)

// followStep is how often is looked at how far another process has got, while somebody
// waits for that.
const followStep = 20 * time.Millisecond

// follow waits for d, and sees meanwhile to the Flushes that wait for what another
// process ships. It returns false when Close begins.
func (w *shipper) follow(d time.Duration) bool {
	h := w.h
	for end := time.Now().Add(d); ; {
		if h.looks() {
			m, err := h.marker.Mark(h.ctx, h.opts.Name)
			if err != nil {
				h.report.report(classSpool, fmt.Errorf("sink: %s: how far the process has got that ships can not be told: %w", h.opts.Name, err))
				h.dismiss(fmt.Errorf("%w, and how far it is can not be told: %w", ErrHeld, err))
				continue
			}
			h.marked(m)
		}
		h.reached()
		step := time.Until(end)
		if h.awaited() {
			step = min(step, followStep)
		}
		if step <= 0 {
			return true
		}
		w.sleep(step, nil)
		if h.ctx.Err() != nil || h.isDraining() {
			return false
		}
	}
}
