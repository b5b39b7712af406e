package fibertx

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// warnEvery is the least time between two warnings: a function that panics does so
// on every request.
const warnEvery = 10 * time.Second

// warner is the default of OnError, what it is in the packages of the root module and in
// the same words. It is no import of theirs, internal/report, though Go would allow it:
// this is a module of its own, and whoever uses it may raise the root module's version
// alone. What is internal there changes without a word, and the replace in our go.mod would
// keep every test of ours from seeing that the two do not compile together any more.
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
	// Marked, or a bridge to the trail would make an entry of it.
	slog.Default().LogAttrs(sink.WithoutRecording(context.Background()), slog.LevelWarn, "txtrail does not record as it should",
		slog.Any("error", err), slog.Int("suppressed", n))
}
