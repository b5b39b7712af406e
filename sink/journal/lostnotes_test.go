package journalsink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// lossTest is a folder, a sink's cursor in it, and an account.
type lossTest struct {
	t         *testing.T
	dir       string
	written   int
	delivered map[string]bool
	gaps      map[string]int64
	f         *feed
	s         *Spool
	now       time.Time
}

func newLossTest(t *testing.T) *lossTest {
	t.Helper()
	l := &lossTest{t: t, dir: t.TempDir(), delivered: map[string]bool{}, gaps: map[string]int64{}, now: testStart}
	l.s = spoolTest(t, l.dir, &SpoolOptions{Name: "web", CommitEvery: -1, Now: func() time.Time { return l.now }, OnError: func(error) {}})
	l.attach()
	return l
}

func (l *lossTest) attach() {
	l.t.Helper()
	if l.f != nil {
		closeTest(l.t, l.f)
	}
	l.f = attachTest(l.t, l.s, "cloud")
}

// write makes a closed file of a process.
func (l *lossTest) write(rnd uint32, seq, n int) {
	l.t.Helper()
	var batch []*entry.Entry
	for range n {
		batch = append(batch, makeEntry(l.t, "txid-1", l.written, "x"))
		l.written++
	}
	putFile(l.t, l.dir, newBase("web", l.now, rnd, seq), batch, true)
}

// shrink removes all but so many files.
func (l *lossTest) shrink(files int) (s Stats, told string) {
	l.t.Helper()
	var size int64
	closed := names(l.t, l.dir, extClosed)
	for i, name := range closed {
		st, err := os.Stat(filepath.Join(l.dir, name))
		if err != nil {
			l.t.Fatal(err)
		}
		if i >= len(closed)-files {
			size += st.Size()
		}
	}
	j := stillJournal(l.t, l.dir, &Options{
		Name: "web", MaxBytes: max(1, size), MaxFileBytes: 1, MinFree: -1, MaxAge: time.Nanosecond, Now: func() time.Time { return l.now },
		OnError: func(err error) { told += err.Error() + "\n" },
	})
	j.retain()
	return j.Stats(), told
}

// take delivers up to n entries.
func (l *lossTest) take(n int) int {
	l.t.Helper()
	relook(l.f)
	if b, err := l.f.Look(context.Background()); err != nil || b.Entries == 0 {
		if err != nil {
			l.t.Fatal(err)
		}
		return 0
	}
	b := &sink.SpoolBatch{MaxEntries: n, MaxBytes: 1 << 20}
	if err := l.f.Next(context.Background(), b); err != nil {
		l.t.Fatal(err)
	}
	for i, e := range b.Entries {
		if i < b.Gaps {
			l.gaps[e.InsertID] = e.Gap.Count
			continue
		}
		if l.delivered[e.InsertID] {
			l.t.Fatalf("%s comes twice", e.InsertID)
		}
		l.delivered[e.InsertID] = true
	}
	if err := l.f.Commit(context.Background(), n); err != nil {
		l.t.Fatal(err)
	}
	return len(b.Entries)
}

func (l *lossTest) lost() (n int64) {
	for _, count := range l.gaps {
		n += count
	}
	return n
}

func (l *lossTest) state() ShipState {
	l.t.Helper()
	states, err := ShipStates(context.Background(), l.dir, l.now)
	if err != nil || len(states) != 1 {
		l.t.Fatalf("%+v, %v", states, err)
	}
	return states[0]
}

// What is removed while nobody ships, and nobody has counted it, is told to the sink by
// whoever ships next, and before that to who looks. Age alone removes none of it.
func TestLostWhileNobodyShips(t *testing.T) {
	l := newLossTest(t)
	closeTest(t, l.f)
	for seq := 1; seq <= 6; seq++ {
		l.now = l.now.Add(time.Minute)
		l.write(9, seq, 10+seq)
	}
	l.now = l.now.Add(24 * time.Hour)
	if s, told := l.shrink(6); s.Removed != 0 {
		t.Fatalf("%+v: %s", s, told)
	}
	s, told := l.shrink(2)
	if s.Removed != 4 || s.RemovedUnshipped != 4 || !strings.Contains(told, `4 of them had entries that were not shipped to "cloud"`) {
		t.Errorf("%+v: %s", s, told)
	}
	const gone = 11 + 12 + 13 + 14
	for range 2 {
		if st := l.state(); st.Lost != gone || st.Waiting != 15+16 || !st.LostLast.IsZero() {
			t.Errorf("%+v", st)
		}
	}
	l.f = nil
	l.attach()
	for l.take(7) > 0 {
	}
	if l.lost() != gone || len(l.delivered) != 15+16 || len(l.gaps) != 4 {
		t.Errorf("%d lost in %d gaps, %d delivered", l.lost(), len(l.gaps), len(l.delivered))
	}
	l.attach()
	if l.take(7) > 0 {
		t.Error("something comes again")
	}
	closeTest(t, l.f)
	if st := l.state(); st.Lost != gone || st.Waiting != 0 || !st.LostLast.Equal(l.now) {
		t.Errorf("%+v", st)
	}
	if _, err := os.Stat(l.f.lostPath()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the notes are left: %v", err)
	}
}

// A clock that jumps by more than a cursor's life, while somebody ships and the sink takes
// nothing: what it lacks stays, whatever the age of its cursor. Once nobody ships it goes,
// and whoever ships again is told how much that was.
func TestLostAsTheClockJumps(t *testing.T) {
	l := newLossTest(t)
	expire := func() Stats {
		j := stillJournal(t, l.dir, &Options{Name: "web", MaxAge: time.Hour, MaxBytes: -1, MinFree: -1, Now: func() time.Time { return l.now }, OnError: func(error) {}})
		j.retain()
		return j.Stats()
	}
	for seq := 1; seq <= 6; seq++ {
		l.now = l.now.Add(time.Minute)
		l.write(9, seq, 10)
	}
	if n := l.take(15); n != 15 {
		t.Fatalf("%d taken", n)
	}
	l.now = l.now.Add(8 * 24 * time.Hour)
	if s := expire(); s.Removed != 1 || s.RemovedUnshipped != 0 { // the file that was shipped
		t.Errorf("while somebody ships: %+v", s)
	}
	if n := l.take(10); n != 10 {
		t.Errorf("%d taken", n)
	}
	closeTest(t, l.f)
	l.f = nil
	l.now = l.now.Add(8 * 24 * time.Hour)
	if s := expire(); s.Removed != 5 {
		t.Errorf("when nobody ships: %+v", s)
	}
	if st := l.state(); st.Lost != 35 || st.Waiting != 0 || !st.Stale {
		t.Errorf("%+v", st)
	}
	l.attach()
	for l.take(7) > 0 {
	}
	if l.lost() != 35 || len(l.delivered) != 25 {
		t.Errorf("%d lost, %d delivered of 60", l.lost(), len(l.delivered))
	}
	closeTest(t, l.f)
}

// Whatever is written, shipped, removed and restarted in whatever order: each entry is
// delivered once or lost once, and the books say so.
func TestLossAccount(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 7))
		l := newLossTest(t)
		seqs := map[uint32]int{}
		for range 60 {
			l.now = l.now.Add(time.Second)
			switch r.IntN(6) {
			case 0, 1:
				rnd := uint32(r.IntN(3))
				seqs[rnd]++
				l.write(rnd, seqs[rnd], 1+r.IntN(8))
			case 2:
				l.take(1 + r.IntN(12))
			case 3:
				relook(l.f)
				if _, err := l.f.Look(context.Background()); err != nil {
					t.Fatal(err)
				}
			case 4:
				l.shrink(r.IntN(5))
			case 5:
				l.attach()
			}
		}
		for l.take(50) > 0 {
		}
		if total := int64(len(l.delivered)) + l.lost(); total != int64(l.written) {
			t.Fatalf("seed %d: %d delivered and %d lost of %d", seed, len(l.delivered), l.lost(), l.written)
		}
		closeTest(t, l.f)
		if st := l.state(); st.Lost != l.lost() || st.Waiting != 0 {
			t.Fatalf("seed %d: %+v, %d lost", seed, st, l.lost())
		}
	}
}

// Notes that nobody wrote like that are passed over, and the bound of their file holds.
func TestLostNotesForeign(t *testing.T) {
	l := newLossTest(t)
	good := newBase("web", testStart, 5, 1)
	var notes []byte
	for _, line := range []string{
		fmt.Sprintf(`{"base":%q,"entries":4,"bytes":10}`, good),
		`{"base":"../../etc/passwd","entries":4,"bytes":10}`,
		fmt.Sprintf(`{"base":%q,"entries":4,"bytes":10}`, newBase("other", testStart, 5, 1)),
		fmt.Sprintf(`{"base":%q,"entries":-4,"bytes":10}`, newBase("web", testStart, 5, 2)),
		fmt.Sprintf(`{"base":%q,"entries":9000000000000000000,"bytes":10}`, newBase("web", testStart, 5, 3)),
	} {
		notes = appendLine(notes, []byte(line))
	}
	notes = append(notes, "garbage\n{}\n"...)
	if err := os.WriteFile(l.f.lostPath(), notes, 0o600); err != nil {
		t.Fatal(err)
	}
	for l.take(9) > 0 {
	}
	if l.lost() != 4 || l.gaps["gap-"+good+l.f.folder[len(l.f.folder)-9:]] != 4 {
		t.Errorf("%v", l.gaps)
	}
	if err := os.WriteFile(l.f.lostPath(), make([]byte, maxLostNotes), 0o600); err != nil {
		t.Fatal(err)
	}
	l.write(9, 1, 3)
	if s, told := l.shrink(0); s.RemovedUnshipped != 1 || !strings.Contains(told, "can not be noted") {
		t.Errorf("%+v: %s", s, told)
	}
	closeTest(t, l.f)
}

// A note that comes while others are taken is not lost with them: neither one that was
// written when they had been read, nor that of a file which is still there.
func TestNotesThatComeMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name string
		// when files are removed, or the feed looks, the other does its part
		during func(h *hookFS, look func(), drop func(i int))
	}{
		{"before the cursor is written", func(h *hookFS, look func(), drop func(int)) {
			drop(0)
			h.once("rename", func(path string) bool { return strings.HasSuffix(path, extCursor) }, func() { drop(1); drop(2) })
			look()
		}},
		{"before the file is removed", func(h *hookFS, look func(), drop func(int)) {
			drop(0)
			h.once("remove", func(path string) bool { return strings.HasSuffix(path, extClosed) }, look)
			drop(1)
			look()
			drop(2)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			h := &hookFS{}
			s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, fs: h})
			closeTest(t, attachTest(t, s, "cloud")) // its cursor has heard of nothing
			for i := range 4 {
				putFile(t, dir, newBase("web", testStart, uint32(i+1), 1), makeBatch(t, i*5, 5, 5), true)
			}
			j := stillJournal(t, dir, &Options{Name: "web"})
			j.fs = h
			bases := mustList(t, j)
			f := attachTest(t, s, "cloud")
			delivered, lost := 0, int64(0)
			take := func() {
				relook(f)
				if _, err := f.Look(context.Background()); err != nil {
					t.Fatal(err)
				}
				_, b := nextTest(t, f, 50)
				delivered += len(b.Entries) - b.Gaps
				lost += b.Lost
				if err := f.Commit(context.Background(), 50); err != nil {
					t.Fatal(err)
				}
			}
			look := func() {
				// It sees that the file is there, and comes too late to read it.
				relook(f)
				if err := f.list(); err != nil {
					t.Fatal(err)
				}
			}
			tt.during(h, look, func(i int) {
				if n := j.remove(&bases[i], func() { j.noteLost(&bases[i], j.holds().folders(bases[i].baseName)) }); n != 1 {
					t.Fatalf("%d files removed", n)
				}
			})
			for range 4 {
				take()
			}
			if int64(delivered)+lost != 20 || lost != int64(5*(4-delivered/5)) {
				t.Errorf("%d delivered, %d told as lost, of 20", delivered, lost)
			}
			if left := names(t, filepath.Join(dir, shipDir, f.folder), "web"+extOpen); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}
