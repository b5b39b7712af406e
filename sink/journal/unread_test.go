package journalsink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// failingOpener opens nothing while it is told to fail.
type failingOpener struct{ err error }

func (o *failingOpener) open(path string, mode int) (*os.File, error) {
	if o.err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: o.err}
	}
	return openRegular(path, mode)
}

func failingReader(t *testing.T, dir string) (*Reader, *failingOpener) {
	t.Helper()
	r, o := readerTest(t, dir), &failingOpener{}
	r.opener = o.open
	return r, o
}

// A file that can not be opened, such as for want of descriptors, costs what is in it and
// ends nothing, whether its index is known or not, and is read when it can be.
func TestUnreadIsDamage(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 10, 1)
	putFile(t, dir, newBase("web", testStart, 1, 1), batch[:5], true)
	putFile(t, dir, newBase("web", testStart, 2, 1), batch[5:], false)
	for _, known := range []bool{false, true} {
		r, o := failingReader(t, dir)
		if known {
			_ = scanIDs(t, r)
		}
		o.err = syscall.EMFILE
		got := append(scanIDs(t, r), lookupIDs(t, r, "txid-000000")...)
		for _, err := range r.Rows(context.Background(), ScanOptions{}) {
			if err != nil {
				t.Error(err)
			}
		}
		c, err := r.Coverage(context.Background())
		if err != nil || len(got) != 0 || c.Files != 2 || len(c.Damaged) != 2 {
			t.Errorf("known %v: %v, %v, %+v", known, got, err, c)
		}
		for _, d := range c.Damaged {
			if !errors.Is(d.Err, ErrUnreadable) || !errors.Is(d.Err, syscall.EMFILE) {
				t.Errorf("known %v: %v", known, d)
			}
		}
		o.err = nil
		if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
			t.Errorf("known %v (-want +got)\n%s", known, diff)
		}
	}
}

// A follower misses nothing of a file that can not be opened for a while: not when it
// begins, nor when the file is closed meanwhile.
func TestTailTriesAgain(t *testing.T) {
	for _, fails := range [][]int{{0}, {1}, {2}, {3}, {4}, {0, 1, 2, 3, 4}} {
		dir := t.TempDir()
		j := openTest(t, dir, nil)
		batch := makeBatch(t, 0, 12, 1)
		write := func(from, to int) {
			t.Helper()
			if err := j.Write(t.Context(), batch[from:to]); err != nil {
				t.Fatal(err)
			}
		}
		write(0, 2)
		line := appendLine(nil, batch[2].Line())
		if _, err := j.cur.f.Write(line[:20]); err != nil {
			t.Fatal(err)
		}
		r, o := failingReader(t, dir)
		var got []string
		tl := tailer{r: r, dup: newSeen(), at: map[string]*tailed{}, yield: yieldIDs(t, &got)}
		step := 0
		begin := func() {
			if o.err = nil; slices.Contains(fails, step) {
				o.err = syscall.EMFILE
			}
			step++
		}
		poll := func() {
			t.Helper()
			if begin(); !tl.poll(t.Context()) {
				t.Fatal("it ended")
			}
		}
		begin()
		if err := tl.begin(false); err != nil {
			t.Fatal(err)
		}
		if _, err := j.cur.f.Write(line[20:]); err != nil {
			t.Fatal(err)
		}
		write(3, 5)
		poll()
		poll()
		write(5, 10)
		if err := j.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		poll()
		putFile(t, dir, newBase("web", testStart, 2, 1), batch[10:], true)
		poll()
		poll()
		slices.Sort(got) // which file is read first depends on what fails
		if diff := cmp.Diff(insertIDs(batch[2:]), got); diff != "" {
			t.Errorf("failing at %v (-want +got)\n%s", fails, diff)
		}
	}
}

// putSmall puts in files that are merged as soon as a journal is there.
func putSmall(t *testing.T, dir string) {
	t.Helper()
	for p := range uint32(40) {
		putFile(t, dir, newBase("web", testStart, 1000+p, 1), makeBatch(t, 100+int(p)*5, 5, 50), true)
	}
}

func mergeTest(t *testing.T, dir string) {
	t.Helper()
	openTest(t, dir, nil)
	waitFor(t, func() bool { return len(names(t, dir, extClosed)) < 20 })
}

// A follower gets nothing from before it began, and all that is later, where files are
// merged before it or meanwhile and can not be opened at the beginning, or later.
func TestTailMergedUnread(t *testing.T) {
	const opens, fails = false, true
	for _, before := range []bool{true, false} {
		for _, steps := range [][]bool{{opens, opens}, {fails, opens}, {opens, fails}, {fails, fails}} {
			dir := t.TempDir()
			putSmall(t, dir)
			// One has a line that is not finished yet.
			batch := makeBatch(t, 0, 5, 1)
			var b []byte
			cut := 0
			for i, e := range batch {
				if i == 2 {
					cut = len(b) + 30
				}
				b = appendLine(b, e.Line())
			}
			write := func(n int) {
				t.Helper()
				if before { // the journal that merges would adopt it
					return
				}
				if err := os.WriteFile(filepath.Join(dir, newBase("web", testStart, 500, 1)+extOpen), b[:n], 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(cut)
			if before {
				mergeTest(t, dir)
			}
			r, o := failingReader(t, dir)
			set := func(fails bool) {
				if o.err = nil; fails {
					o.err = syscall.EMFILE
				}
			}
			var got []string
			tl := tailer{r: r, dup: newSeen(), at: map[string]*tailed{}, yield: yieldIDs(t, &got)}
			set(steps[0])
			if err := tl.begin(false); err != nil {
				t.Fatal(err)
			}
			write(len(b))
			if !before {
				mergeTest(t, dir)
			}
			for _, fails := range []bool{steps[1], opens, opens} {
				if set(fails); !tl.poll(t.Context()) {
					t.Fatal("it ended")
				}
			}
			want := insertIDs(batch[2:])
			if before {
				want = nil
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("merged before %v, failing %v (-want +got)\n%.500s", before, steps, diff)
			}
		}
	}
}

// A reader without a cache keeps nothing of a file.
func TestNoCache(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 20, 3)
	putFile(t, dir, newBase("web", testStart, 1, 1), batch[:10], true)
	putFile(t, dir, newBase("web", testStart, 2, 1), batch[10:], false)
	for _, size := range []int{-1, -100 << 20} {
		r, err := OpenReader(dir, &ReaderOptions{CacheBytes: size})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if n := len(lookupIDs(t, r, "txid-0")); n != len(batch) {
				t.Errorf("%d looked up", n)
			}
		}
		for _, v := range r.shelf.volumes {
			if v.info.Load() != nil || r.indexes.get(v.text) != nil || v.open != nil && v.open.lines != nil {
				t.Errorf("%d: something is kept of %s", size, v.text)
			}
		}
	}
}
