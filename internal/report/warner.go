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

// Warner is OnError where none is given: [Warn], for each heading at most once in [Every],
// with how many there were since the last one. The zero value is ready. It is safe for
// concurrent use.
type Warner struct {
	mu    sync.Mutex
	sorts map[string]*told // by heading; there are few
}

// told is what was told of a sort.
type told struct {
	last       time.Time
	suppressed int
}

// Warn is the function.
func (w *Warner) Warn(err error) {
	now, sort := time.Now(), heading(err)
	w.mu.Lock()
	t := w.sorts[sort]
	if t == nil {
		if w.sorts == nil {
			w.sorts = make(map[string]*told)
		}
		t = &told{}
		w.sorts[sort] = t
	}
	if !t.last.IsZero() && now.Sub(t.last) < Every {
		t.suppressed++
		w.mu.Unlock()
		return
	}
	n := t.suppressed
	t.last, t.suppressed = now, 0
	w.mu.Unlock()
	Warn(err, n)
}

// Warn logs a warning by slog's default logger: that something is wrong in this library
// (or what a [Notice] has for a heading), what, and how many more there were of the sort
// that were not told, if any. It is marked as our own, or a bridge to the trail would make
// an entry of it.
func Warn(err error, suppressed int) {
	attrs := []slog.Attr{slog.Any("error", err)}
	if suppressed > 0 {
		attrs = append(attrs, slog.Int("suppressed", suppressed))
	}
	slog.Default().LogAttrs(Own(context.Background()), slog.LevelWarn, heading(err), attrs...)
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
