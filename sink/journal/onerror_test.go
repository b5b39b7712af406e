package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// An OnError that panics, from whichever goroutine, costs neither the process nor an entry.
func TestOnErrorPanics(t *testing.T) {
	var told atomic.Int64
	boom := func(error) {
		told.Add(1)
		panic("boom")
	}
	dir := t.TempDir()
	folder := filepath.Join(dir, shipDir, shipFolder("cloud"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, DefaultName+extCursor), []byte("damaged\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := openTest(t, dir, &Options{OnError: boom})
	first := writeTest(t, j, 0, 10)
	told.Store(0)
	f := attachTest(t, spoolTest(t, dir, &SpoolOptions{OnError: boom, CommitEvery: -1}), "cloud")
	if told.Load() == 0 {
		t.Error("the damaged cursor was not told of")
	}
	if got := drain(t, f, 7); len(got) != len(first) {
		t.Errorf("%d read, want %d", len(got), len(first))
	}
	closeTest(t, f)
	s, err := j.Spool(nil)
	if err != nil {
		t.Fatal(err)
	}
	closeTest(t, attachTest(t, s, "another"))

	for _, name := range names(t, dir, extOpen) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	told.Store(0)
	waitFor(t, func() bool { // the keeper's tick comes upon it
		j.tick()
		return told.Load() > 0
	})
	writeTest(t, j, 10, 1)
	if err := j.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
