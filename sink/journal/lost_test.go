package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the bounds of the folder cost a sink is kept account of where the doctor finds it:
// before the sink is told, after it, and after a restart.
func TestLostIsKeptAccountOf(t *testing.T) {
	dir := t.TempDir()
	now := testStart
	clock := func() time.Time { return now }
	j := openTest(t, dir, &Options{Name: "web", MaxFileBytes: 2 << 10, Now: clock})
	var want []string
	for i := range 6 {
		want = append(want, writeTest(t, j, i*10, 10)...)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, Now: clock})
	f := attachTest(t, s, "cloud")
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, _ := nextTest(t, f, 15)
	if err := f.Commit(context.Background(), 15); err != nil {
		t.Fatal(err)
	}
	closeTest(t, f)
	state := func() ShipState {
		t.Helper()
		states, err := ShipStates(context.Background(), dir, now)
		if err != nil || len(states) != 1 {
			t.Fatalf("%+v, %v", states, err)
		}
		return states[0]
	}
	if st := state(); st.Waiting != 45 || st.Lost != 0 {
		t.Errorf("%+v", st)
	}
	removed := int64(0)
	for _, name := range names(t, dir, extClosed)[1:4] {
		r := readerTest(t, dir)
		before := len(scanIDs(t, r))
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		removed += int64(before - len(scanIDs(t, readerTest(t, dir))))
	}
	if st := state(); st.Lost == 0 || st.Waiting+st.Lost != 45 || !st.LostLast.IsZero() || st.Oldest.IsZero() {
		t.Errorf("%+v, %d were removed", st, removed)
	}
	lost := state().Lost
	now = now.Add(time.Hour)
	f = attachTest(t, s, "cloud")
	for _, id := range drain(t, f, 7) {
		if !strings.HasPrefix(id, "gap-") {
			got = append(got, id)
		}
	}
	closeTest(t, f)
	if int64(len(got))+lost != int64(len(want)) {
		t.Errorf("%d delivered and %d lost of %d", len(got), lost, len(want))
	}
	now = now.Add(time.Hour)
	f = attachTest(t, s, "cloud") // it is not forgotten
	closeTest(t, f)
	if st := state(); st.Waiting != 0 || st.Lost != lost || !st.LostLast.Equal(testStart.Add(time.Hour)) {
		t.Errorf("%+v", st)
	}
}

// What waits is known from the cursor also if nothing of it was ever settled: when files are
// removed by hand after that, they are counted as lost, and told. A process that is killed
// has written down what it had seen, one that ends also what has come since.
func TestLostOfASinkThatNeverTook(t *testing.T) {
	for _, killed := range []bool{true, false} {
		dir := t.TempDir()
		j := openTest(t, dir, &Options{Name: "web", Now: func() time.Time { return testStart }})
		every := time.Hour
		if killed {
			every = -1
		}
		s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: every, Now: func() time.Time { return testStart }})
		f := attachTest(t, s, "cloud")
		want := int64(0)
		for i := range 3 {
			want += int64(len(writeTest(t, j, i*10, 10)))
			relook(f)
			if b, err := f.Look(context.Background()); err != nil || b.Entries != want {
				t.Fatalf("%+v, %v", b, err)
			}
		}
		if killed {
			closeTest(t, f.lock)
		} else {
			closeTest(t, f)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, name := range names(t, dir, extClosed) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		states, err := ShipStates(context.Background(), dir, testStart)
		if err != nil || len(states) != 1 || states[0].Lost != want || states[0].Waiting != 0 {
			t.Errorf("killed %v: %+v, %v", killed, states, err)
		}
		f = attachTest(t, s, "cloud")
		if _, err := f.Look(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, b := nextTest(t, f, 10); b.Gaps != 1 || b.Lost != want {
			t.Errorf("killed %v: told %+v", killed, b)
		}
		closeTest(t, f)
	}
}
