package journalsink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// latecomers is a spool into which something is written when its n-th batch is about
// to be read, after it was looked at.
type latecomers struct {
	sink.Spool
	n     int
	write func()
}

func (l *latecomers) Attach(ctx context.Context, name string) (sink.Feed, error) {
	f, err := l.Spool.Attach(ctx, name)
	return &lateFeed{f, l}, err
}

type lateFeed struct {
	sink.Feed
	l *latecomers
}

func (f *lateFeed) Next(ctx context.Context, b *sink.SpoolBatch) error {
	if f.l.n--; f.l.n == 0 {
		f.l.write()
	}
	return f.Feed.Next(ctx, b)
}

// What another process writes into a file that comes earlier does not stand in for
// what a Flush waits for.
func TestFlushOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	a := openTest(t, dir, &Options{Now: func() time.Time { return testStart }})
	b := openTest(t, dir, &Options{Now: func() time.Time { return testStart.Add(time.Second) }})
	writeTest(t, a, 0, 1)
	waited := writeTest(t, b, 100, 1)
	s, err := b.Spool(nil)
	if err != nil {
		t.Fatal(err)
	}
	mem := &sinktest.Memory{}
	late := &latecomers{Spool: s, n: 2, write: func() { writeTest(t, a, 1, 5) }}
	h, err := sink.NewShip(late, mem, &sink.ShipOptions{Name: "cloud", MaxBatch: 1, Poll: time.Millisecond, MaxAge: time.Hour, OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	got := insertIDs(mem.Entries())
	if len(got) == 0 || got[len(got)-1] != waited[0] {
		t.Errorf("flushed when the sink has %v, and not %v", got, waited)
	}
	for _, c := range []interface{ Close(context.Context) error }{h, a, b} {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// A place is passed when all before it was committed, however it got to its end: in
// the open file, in the closed one, merged, lost, or sent again.
func TestMark(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, j *Journal, f *feed)
	}{
		"open":          {change: func(*testing.T, *Journal, *feed) {}},
		"closed":        {change: func(t *testing.T, j *Journal, _ *feed) { closeJournal(t, j) }},
		"longer by now": {change: func(t *testing.T, j *Journal, _ *feed) { writeTest(t, j, 50, 10) }},
		"removed": {change: func(t *testing.T, j *Journal, _ *feed) {
			closeJournal(t, j)
			files, err := filepath.Glob(filepath.Join(j.dir, "*.jsonl*"))
			if err != nil || len(files) == 0 {
				t.Fatal(err, files)
			}
			for _, name := range files {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}},
		"letters": {change: func(t *testing.T, j *Journal, f *feed) {}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := openTest(t, dir, nil)
			defer func() { _ = j.Close(context.Background()) }()
			s, err := j.Spool(&SpoolOptions{OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			f := attachTest(t, s, "cloud")
			defer closeTest(t, f)
			if m := f.Mark(); !m.Passed() {
				t.Error("nothing is waited for, and it is not passed")
			}
			if name == "letters" {
				writeTest(t, j, 20, 3)
				b := &sink.SpoolBatch{MaxEntries: 3, MaxBytes: 1 << 20}
				look(t, f)
				if err := f.Next(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				for _, e := range b.Entries {
					if err := f.Bury(t.Context(), []sink.DeadLetter{{Entry: e, Reason: "no", Time: testStart}}); err != nil {
						t.Fatal(err)
					}
				}
				if err := errors.Join(f.Commit(t.Context(), 3)); err != nil {
					t.Fatal(err)
				}
				if n, err := Reship(dir, ""); n != 3 || err != nil {
					t.Fatal(n, err)
				}
			}
			writeTest(t, j, 0, 10)
			look(t, f)
			m := f.Mark()
			tt.change(t, j, f)
			for rounds := 0; !m.Passed(); rounds++ {
				if rounds > 30 {
					t.Fatal("never passed")
				}
				b := &sink.SpoolBatch{MaxEntries: 3, MaxBytes: 1 << 20}
				left := look(t, f)
				if err := f.Next(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				if m.Passed() {
					t.Errorf("passed with %d that were read and not committed, of %d", len(b.Entries), left)
				}
				if n := len(b.Entries); n > 1 { // a part of it first
					if err := f.Commit(t.Context(), 1); err != nil {
						t.Fatal(err)
					}
				}
				if err := f.Commit(t.Context(), len(b.Entries)); err != nil {
					t.Fatal(err)
				}
			}
			if left := look(t, f); left > 10 || name != "longer by now" && left > 0 {
				t.Errorf("passed, and %d wait", left)
			}
		})
	}
}

func look(t *testing.T, f *feed) int64 {
	t.Helper()
	b, err := f.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b.Entries
}

func closeJournal(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
