package fibertx

import (
	"log/slog"
	"sync"
	"time"
)

// warnEvery is the least time between two warnings: a function that panics does so
// on every request.
const warnEvery = time.Minute

// warner is the default of OnError.
type warner struct {
	now        func() time.Time
	mu         sync.Mutex
	last       time.Time
	suppressed int
}

func (w *warner) warn(err error) {
	now := w.now()
	w.mu.Lock()
	if !w.last.IsZero() && now.Sub(w.last) < warnEvery {
		w.suppressed++
		w.mu.Unlock()
		return
	}
	n := w.suppressed
	w.last, w.suppressed = now, 0
	w.mu.Unlock()
	slog.Warn(err.Error(), "suppressed", n)
}
