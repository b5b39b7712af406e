package journalsink_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// stopping is a context that ends when it has been asked a number of times, so
// that a reader is stopped in the middle of its work and nowhere else.
type stopping struct {
	context.Context
	asked, allowed int
}

func (s *stopping) Err() error {
	if s.asked++; s.asked > s.allowed {
		return context.Canceled
	}
	return nil
}

// TestReaderStopsInForeignFile: a file of gigabytes in which no line and no frame
// begins does not keep a reader from noticing that its context has ended.
func TestReaderStopsInForeignFile(t *testing.T) {
	const size = 1 << 30 // most of it without blocks on the disk
	for _, ext := range []string{".jsonl", ".jsonl.zst"} {
		t.Run(ext, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "svc-20260101T000000-deadbeef-000001"+ext)
			if err := os.WriteFile(path, make([]byte, 8<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, size); err != nil {
				t.Skip("no sparse files here:", err)
			}
			var damage []journalsink.Damage
			r, err := journalsink.OpenReader(dir, &journalsink.ReaderOptions{OnDamage: func(d journalsink.Damage) { damage = append(damage, d) }})
			if err != nil {
				t.Fatal(err)
			}
			ctx := &stopping{Context: t.Context(), allowed: 8}
			var last error
			for _, err := range r.Lookup(ctx, "transaction") {
				last = err
			}
			if !errors.Is(last, context.Canceled) {
				t.Errorf("Lookup ended with %v, want context.Canceled", last)
			}
			if ctx.asked > 3*ctx.allowed {
				t.Errorf("read on: asked %d times after %d", ctx.asked, ctx.allowed)
			}
			if ext == ".jsonl" && len(damage) > 0 {
				t.Errorf("what was not read was taken for damage: %v", damage)
			}
		})
	}
}
