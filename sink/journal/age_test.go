package journalsink

import (
	"sync/atomic"
	"testing"
	"time"
)

// A file is closed when its first entry is old, whether or not more is written; an
// empty one never.
func TestMaxFileAge(t *testing.T) {
	dir := t.TempDir()
	var passed atomic.Int64
	j := openTest(t, dir, &Options{
		MaxFileAge: time.Hour,
		SyncEvery:  time.Hour, // the test calls tick itself
		Now:        func() time.Time { return testStart.Add(time.Duration(passed.Load())) },
	})
	step := func(what string, d time.Duration, act func(), opened int64) {
		t.Helper()
		passed.Add(int64(d))
		act()
		if got := j.Stats().Opened; got != opened {
			t.Fatalf("%s: %d files opened, want %d", what, got, opened)
		}
	}
	n := 0
	write := func() {
		if err := j.Write(t.Context(), makeBatch(t, n, 1, 1)); err != nil {
			t.Fatal(err)
		}
		n++
	}
	step("empty", 5*time.Hour, j.tick, 1)
	step("first entry", 0, write, 1)
	step("young", 59*time.Minute, j.tick, 1)
	step("old, nothing written", time.Minute, j.tick, 2)
	step("first entry of the second", 0, write, 2)
	step("old, written to", time.Hour, write, 3)
	step("clock goes back", -48*time.Hour, write, 3)
	if got := scanIDs(t, readerTest(t, dir)); len(got) != n {
		t.Errorf("%d entries, want %d", len(got), n)
	}
}
