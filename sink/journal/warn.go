package journalsink

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// warnEvery is the least time between two warnings of the default OnError.
const warnEvery = 10 * time.Second

// warner is the default OnError: a disk that is full fails every write, and must
// not fill the log as well.
type warner struct {
	mu     sync.Mutex
	last   time.Time
	hidden int
}

func newWarner() *warner { return &warner{} }

func (w *warner) warn(err error) {
	w.mu.Lock()
	now := time.Now()
	if !w.last.IsZero() && now.Sub(w.last) < warnEvery {
		w.hidden++
		w.mu.Unlock()
		return
	}
	hidden := w.hidden
	w.last, w.hidden = now, 0
	w.mu.Unlock()
	// Marked as our own, or a bridge would make an entry of it.
	ctx := sink.WithoutRecording(context.Background())
	slog.Default().WarnContext(ctx, "txtrail journal", "error", err, "more_since_last_warning", hidden)
}
