package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// The side folder is removed while one process ships, and another one takes over: the first
// is told, and if it ships again it goes on where the other was. What that had delivered,
// and the bounds have removed since, is not lost.
func TestTakenOver(t *testing.T) {
	for _, tt := range []struct{ first, other int }{{0, 20}, {0, 12}, {7, 20}, {12, 7}, {20, 0}} {
		dir := t.TempDir()
		var want []string
		for i := range 4 {
			batch := makeBatch(t, i*5, 5, 5)
			putFile(t, dir, newBase("web", testStart, uint32(i+1), 1), batch, true)
			want = append(want, insertIDs(batch)...)
		}
		s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, OnError: func(error) {}})
		a := attachTest(t, s, "cloud")
		got := takeTest(t, a, tt.first)
		if err := os.RemoveAll(filepath.Join(dir, shipDir)); err != nil {
			t.Skip("what is open can not be removed here:", err)
		}
		b := attachTest(t, s, "cloud")
		before, err := os.ReadFile(shipPath(dir, b.folder, "web"+extCursor))
		if err != nil {
			t.Fatal(err)
		}
		relook(a)
		if _, err := a.Look(context.Background()); !errors.Is(err, sink.ErrHeld) {
			t.Fatalf("%v, want ErrHeld", err)
		}
		a.dirty = true
		if err := a.write(); !errors.Is(err, sink.ErrHeld) {
			t.Errorf("the cursor is written: %v", err)
		}
		if after, err := os.ReadFile(shipPath(dir, b.folder, "web"+extCursor)); err != nil || string(after) != string(before) {
			t.Errorf("the other's cursor was replaced: %q, %v", after, err)
		}
		got = append(got, takeTest(t, b, tt.other)...)
		closeTest(t, b)
		for i, name := range names(t, dir, extClosed) {
			if (i+1)*5 <= tt.other {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		relook(a)
		rest := drain(t, a, 7)
		if n := 20 - max(tt.first, tt.other); len(rest) != n {
			t.Errorf("%+v: %d entries come, want %d: %q", tt, len(rest), n, rest)
		}
		got = append(got, rest...)
		if diff := cmp.Diff(want, slices.Compact(slices.Sorted(slices.Values(got)))); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", tt, diff)
		}
		closeTest(t, a)
		if c, err := readCursor(osFS{}, shipPath(dir, a.folder, "web"+extCursor)); err != nil || c.Lost != nil || len(c.At) > 0 {
			t.Errorf("%+v: %+v, %v", tt, c, err)
		}
	}
}

// A Ship whose place was taken stands by.
func TestShipTakenOver(t *testing.T) {
	dir := t.TempDir()
	putFile(t, dir, newBase("web", testStart, 1, 1), makeBatch(t, 0, 5, 5), true)
	s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, OnError: func(error) {}})
	h, err := sink.NewShip(s, &sinktest.Memory{}, &sink.ShipOptions{
		Name: "cloud", MaxAge: -1, Poll: time.Millisecond, Follow: true, RetryMin: time.Millisecond, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := h.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var b sink.Feed
	away := 0
	waitFor(t, func() bool { // it may take its place again before another one does
		away++
		if err := os.Rename(filepath.Join(dir, shipDir), filepath.Join(dir, ".away-"+itoa(away))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			_ = h.Close(ctx)
			t.Skip("what is open can not be moved here:", err)
		}
		b, err = s.Attach(ctx, "cloud")
		return err == nil
	})
	waitFor(t, func() bool { st := h.Stats(); return st.Standby && !st.Attached })
	// What comes now the other one delivers, and a Flush waits for that.
	putFile(t, dir, newBase("web", testStart, 2, 1), makeBatch(t, 5, 5, 5), true)
	flushed := make(chan error, 1)
	go func() { flushed <- h.Flush(ctx) }()
	relook(b.(*feed))
	if got := len(drain(t, b, 50)); got != 10 && got != 5 {
		t.Errorf("%d entries", got)
	}
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	closeTest(t, b)
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}
