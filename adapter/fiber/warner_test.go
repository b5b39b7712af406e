package fibertx_test

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/adapter/fiber"
	"github.com/txtrail/txtrail/sink"
)

// unrecorded takes log lines that are marked as the trail's own.
type unrecorded struct {
	slog.Handler
	t *testing.T
}

func (u unrecorded) Handle(ctx context.Context, r slog.Record) error {
	if !sink.Unrecorded(ctx) {
		u.t.Errorf("%q is not marked: a bridge would make an entry of it", r.Message)
	}
	return u.Handler.Handle(ctx, r)
}

// Without OnError there is one warning in 10 s, which says how many there were beside it.
func TestDefaultOnError(t *testing.T) { // not parallel: the logger is everybody's
	var told bytes.Buffer
	before, out, flags := slog.Default(), log.Writer(), log.Flags()
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(out) // which SetDefault has changed as well
		log.SetFlags(flags)
	}()
	slog.SetDefault(slog.New(unrecorded{slog.NewTextHandler(&told, nil), t}))

	var mu sync.Mutex
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	url, mem := serve(t, &fibertx.Options{
		Skip: func(*http.Request) bool { panic("skipped") },
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
	}, fiber.Config{}, func(app *fiber.App) {
		app.Get("/", func(c fiber.Ctx) error { return c.SendString("fine") })
	})
	for _, pass := range []time.Duration{0, 0, 0, 9 * time.Second, 2 * time.Second, 0} {
		mu.Lock()
		now = now.Add(pass)
		mu.Unlock()
		ask(t, "GET", url+"/", "")
	}
	entries(t, mem, 6)
	lines := strings.Split(strings.TrimSpace(told.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `msg="txtrail does not record as it should" error="fibertx: Skip panicked: skipped" suppressed=0`) ||
		!strings.Contains(lines[1], "suppressed=3") {
		t.Errorf("%d lines, want 2:\n%s", len(lines), told.String())
	}
}
