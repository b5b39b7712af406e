package journalsink

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/sink"
)

// hookFS calls before what it does to a name.
type hookFS struct {
	quickFS
	before func(op, path string)
}

func (h *hookFS) Remove(path string) error {
	if h.before != nil {
		h.before("remove", path)
	}
	return h.quickFS.Remove(path)
}

func (h *hookFS) Rename(from, to string) error {
	if h.before != nil {
		h.before("rename", to)
	}
	return h.quickFS.Rename(from, to)
}

// once calls do before the first such operation.
func (h *hookFS) once(op string, path func(string) bool, do func()) {
	h.before = func(o, p string) {
		if o == op && path(p) {
			h.before = nil
			do()
		}
	}
}

func isMerged(path string) bool {
	b, ext, ok := splitName(filepath.Base(path))
	return ok && ext == extClosed && b.merged()
}

// takeTest delivers up to n entries.
func takeTest(t testing.TB, f *feed, n int) []string {
	t.Helper()
	relook(f)
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	ids, _ := nextTest(t, f, n)
	if err := f.Commit(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	return ids
}

// A sink that begins while files are merged gets all of them: those that were merged
// under its hands, and each process's entries in their order.
func TestMergeUnderNewSink(t *testing.T) {
	for _, tt := range []struct {
		name   string
		op     string // before which it begins
		merged int64
		twice  int // entries that may come twice
	}{
		{name: "while the files are read", op: "read"},
		{name: "when it is decided", op: "rename", merged: 40},
		{name: "while the parts are removed", op: "remove", merged: 40, twice: 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			want := insertIDs(crashLoop(t, dir, 40))
			h := &hookFS{}
			j := stillJournal(t, dir, &Options{Name: "web"})
			j.fs = h
			s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1})
			var f *feed
			var got []string
			begin := func() {
				f = attachTest(t, s, "cloud")
				got = takeTest(t, f, 12) // two parts and a piece of the third
				got = append(got, takeTest(t, f, 1)...)
			}
			groups := j.small(mustList(t, j), nil)
			if len(groups) != 1 {
				t.Fatalf("%d groups", len(groups))
			}
			if tt.op == "read" {
				begin()
			} else {
				h.once(tt.op, func(path string) bool { return isMerged(path) == (tt.op == "rename") }, begin)
			}
			if err := j.merge(groups[0]); err != nil {
				t.Fatal(err)
			}
			if n := j.Stats().Merged; n != tt.merged {
				t.Errorf("%d merged, want %d", n, tt.merged)
			}
			relook(f)
			got = append(got, drain(t, f, 7)...)
			first := slices.Compact(slices.Sorted(slices.Values(got)))
			if diff := cmp.Diff(want, first); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(got) > len(want)+tt.twice {
				t.Errorf("%d entries come twice", len(got)-len(want))
			}
			closeTest(t, f)
			if left := drain(t, attachTest(t, s, "cloud"), 50); len(left) > 0 {
				t.Errorf("%d entries come again", len(left))
			}
		})
	}
}

// What was merged while nobody had shipped for a week goes on where the sink was.
func TestMergeUnderStaleCursor(t *testing.T) {
	for _, processes := range []int{1, 40} {
		dir := t.TempDir()
		now := testStart
		var want []string
		for i := range 40 {
			batch := makeBatch(t, i*5, 5, 5)
			putFile(t, dir, newBase("web", testStart.Add(time.Duration(i)*time.Second), uint32(i%processes+1), i/processes+1), batch, true)
			want = append(want, insertIDs(batch)...)
		}
		s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, Now: func() time.Time { return now }})
		f := attachTest(t, s, "cloud")
		got := takeTest(t, f, 12)
		closeTest(t, f)
		now = now.Add(cursorLife + time.Hour)
		j := stillJournal(t, dir, &Options{Name: "api", Now: func() time.Time { return now }})
		j.mergeSmall()
		if n := j.Stats().Merged; n != 40 {
			t.Fatalf("%d merged", n)
		}
		f = attachTest(t, s, "cloud")
		got = append(got, drain(t, f, 7)...)
		closeTest(t, f)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d processes (-want +got)\n%s", processes, diff)
		}
		if left := drain(t, attachTest(t, s, "cloud"), 50); len(left) > 0 {
			t.Errorf("%d processes: %d entries come again", processes, len(left))
		}
		if h := readHolds(osFS{}, dir, now); !h.none() {
			b, _, _ := splitName(names(t, dir, extClosed)[0])
			if _, needed := h.needs(b); needed {
				t.Error("what was shipped is needed")
			}
		}
	}
}

// Cursors that do not speak of merged files are those of older versions. Such a one may have
// taken a merged file for done whose other parts were not: it comes again.
func TestMergeUnderOldCursor(t *testing.T) {
	for name, tt := range map[string]struct {
		done int    // processes that the cursor calls done
		at   string // what it says besides, of process 5
		want int    // entries
	}{
		"all parts are done":         {done: 40},
		"in a part":                  {done: 5, at: `,"at":{"web-20260301T190405-00000005-000001":{"offset":OFFSET,"settled":2,"known":5}}`, want: 173},
		"none but the first is done": {done: 1, want: 195},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			all := crashLoop(t, dir, 40)
			var done []string
			for i := range tt.done {
				done = append(done, fmt.Sprintf(`"%08x":1`, i))
			}
			offset := len(appendLine(appendLine(nil, all[25].Line()), all[26].Line()))
			canonical := `{"version":1,"sink":"cloud","writer":"web","time":"2026-03-01T19:04:00Z","done":{` + strings.Join(done, ",") + `}` +
				strings.ReplaceAll(tt.at, "OFFSET", itoa(offset)) + `}`
			s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1})
			stillJournalMerges(t, dir, 40)
			mkdir(t, filepath.Join(dir, shipDir))
			mkdir(t, filepath.Join(dir, shipDir, shipFolder("cloud")))
			path := shipPath(dir, shipFolder("cloud"), "web"+extCursor)
			if err := os.WriteFile(path, appendLine(nil, []byte(canonical)), 0o600); err != nil {
				t.Fatal(err)
			}
			got := drain(t, attachTest(t, s, "cloud"), 50)
			if want := insertIDs(all[len(all)-tt.want:]); !slices.Equal(got, want) {
				t.Errorf("%d entries, want %d", len(got), len(want))
			}
		})
	}
}

func stillJournalMerges(t *testing.T, dir string, files int64) {
	t.Helper()
	j := stillJournal(t, dir, &Options{Name: "web"})
	j.mergeSmall()
	if n := j.Stats().Merged; n != files {
		t.Fatalf("%d merged, want %d", n, files)
	}
}

// Who waits for what another process ships waits for the file, too, into which it was merged.
func TestHolderWaitsForMerged(t *testing.T) {
	dir := t.TempDir()
	crashLoop(t, dir, 40)
	s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1})
	h := &hookFS{}
	j := stillJournal(t, dir, &Options{Name: "web"})
	j.fs = h
	var m sink.Mark
	var f *feed
	h.once("rename", isMerged, func() {
		f = attachTest(t, s, "cloud")
		takeTest(t, f, 12)
		var err error
		if m, err = s.Mark(context.Background(), "cloud"); err != nil {
			t.Fatal(err)
		}
	})
	j.mergeSmall()
	if m.Passed() {
		t.Error("passed, before who ships has looked")
	}
	for n := 12; n < 200; n += 47 {
		takeTest(t, f, 47)
		if n+47 < 200 && m.Passed() {
			t.Errorf("passed, with %d entries delivered", n+47)
		}
	}
	takeTest(t, f, 100)
	if !m.Passed() {
		t.Error("not passed, though all is delivered")
	}
}
