package report

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Every is the least time between two warnings of a sort: a disk that is full fails every
// write, and a function that panics does so on every request.
const Every = 10 * time.Second

// Warner is OnError where none is given: [Warn], at most once in [Every], with how many
// there were since the last one. The zero value is ready. It is safe for concurrent use.
type Warner struct {
	mu         sync.Mutex
	last       time.Time
	suppressed int
}

// Warn is the function.
func (w *Warner) Warn(err error) {
	now := time.Now()
	w.mu.Lock()
	if !w.last.IsZero() && now.Sub(w.last) < Every {
		w.suppressed++
		w.mu.Unlock()
		return
	}
	n := w.suppressed
	w.last, w.suppressed = now, 0
	w.mu.Unlock()
	Warn(err, n)
}

// Warn logs a warning by slog's default logger: that something is wrong in this library,
// what, and how many more there were of the sort that were not told. It is marked as our
// own, or a bridge to the trail would make an entry of it.
func Warn(err error, suppressed int) {
	slog.Default().LogAttrs(Own(context.Background()), slog.LevelWarn, "txtrail does not record as it should",
		slog.Any("error", err), slog.Int("suppressed", suppressed))
}

type ownKey struct{}

// Own marks a context as this library's own: log lines and calls made with it are not
// recorded.
func Own(ctx context.Context) context.Context { return context.WithValue(ctx, ownKey{}, true) }

// IsOwn reports whether ctx comes from [Own].
func IsOwn(ctx context.Context) bool {
	own, _ := ctx.Value(ownKey{}).(bool)
	return own
}
