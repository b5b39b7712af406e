package report

import (
	"log/slog"
	"sync"
	"time"
)

// warnEvery is the least time between two warnings: a function that panics does so on
// every request.
const warnEvery = time.Minute

// Warner is OnError where none is given: a warning by slog's default logger, at most
// one a minute, with how many there were since the last one. The zero value is ready.
// It is safe for concurrent use.
type Warner struct {
	mu         sync.Mutex
	last       time.Time
	suppressed int
}

// Warn is the function.
func (w *Warner) Warn(err error) {
	now := time.Now()
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
