package journalsink

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/sink"
)

// Peek shows what comes after a place, through closed and open files of several
// processes, and takes nothing away.
func TestPeek(t *testing.T) {
	dir := t.TempDir()
	var want []string
	var open *Journal
	for i := range 3 {
		now := testStart.Add(time.Duration(i) * time.Second)
		j := openTest(t, dir, &Options{MaxFileBytes: 20 << 10, Now: func() time.Time { return now }})
		want = append(want, writeTest(t, j, 1000*i, 60)...)
		if open = j; i < 2 {
			closeJournal(t, j)
		}
	}
	defer closeJournal(t, open)
	s, err := open.Spool(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, s, "cloud")
	defer closeTest(t, f)
	look(t, f)
	first, _ := nextTest(t, f, 7)
	peek := func(from sink.Place, n int) ([]string, sink.Place) {
		t.Helper()
		b := &sink.SpoolBatch{MaxEntries: n, MaxBytes: 1 << 20, Heads: true}
		next, err := f.Peek(t.Context(), from, b)
		if err != nil {
			t.Fatal(err)
		}
		return insertIDs(b.Entries), next
	}
	for _, n := range []int{1, 50, 500} {
		var got []string
		var from sink.Place
		for {
			var ids []string
			if ids, from = peek(from, n); len(ids) == 0 {
				break
			}
			got = append(got, ids...)
		}
		if diff := cmp.Diff(want[7:], got); diff != "" {
			t.Errorf("%d at a time: %s", n, diff)
		}
		more := writeTest(t, open, 5000+n, 1)
		want = append(want, more...)
		look(t, f)
		if ids, _ := peek(from, 10); len(ids) != 1 || ids[0] != more[0] {
			t.Errorf("then %v, want %v", ids, more)
		}
	}
	if err := f.Commit(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, append(first, drain(t, f, 50)...)); diff != "" {
		t.Error(diff)
	}
}
