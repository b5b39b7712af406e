package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// orphan leaves a file as a dead writer does.
func orphan(t *testing.T, dir string, seq int, content []byte) string {
	t.Helper()
	base := newBase("dead", testStart, 7, seq)
	if err := os.WriteFile(filepath.Join(dir, base+extOpen), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return base
}

func TestAdopt(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 30, 3)
	var content []byte
	for _, e := range batch {
		content = appendLine(content, e.Line())
	}
	orphan(t, dir, 1, content)
	orphan(t, dir, 2, append(slices.Clone(content), `{"time":"20`...))
	orphan(t, dir, 3, nil)
	// Died while compressing.
	half := orphan(t, dir, 4, content)
	if err := os.WriteFile(filepath.Join(dir, half+extTemp), content[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	// Died between the two names.
	both := orphan(t, dir, 5, content)
	// A temporary file without anything.
	if err := os.WriteFile(filepath.Join(dir, newBase("dead", testStart, 7, 6)+extTemp), content, 0o600); err != nil {
		t.Fatal(err)
	}
	// A closed file that is not whole, beside the open one.
	cut := orphan(t, dir, 8, content)
	j := openTest(t, t.TempDir(), nil)
	copySealed := func(base string, n int) {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, base+extClosed))
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSealer(f)
		if err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(filepath.Join(dir, base+extOpen))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.run(in, 0, func() bool { return false }); err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(s.at - int64(n)); err != nil {
			t.Fatal(err)
		}
		_, _ = f.Close(), in.Close()
	}
	copySealed(both, 0)
	copySealed(cut, 20)
	_ = j

	check := func(when string) {
		t.Helper()
		if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
		r := readerTest(t, dir)
		for i := range 3 {
			if got := lookupIDs(t, r, "txid-00000"+itoa(i)); len(got) != 10 {
				t.Errorf("%s: lookup found %d, want 10", when, len(got))
			}
		}
	}
	check("before")
	j = openTest(t, dir, nil)
	waitFor(t, func() bool {
		return len(names(t, dir, extOpen)) == 1 && len(names(t, dir, extTemp)) == 0 && len(names(t, dir, extClosed)) == 5
	})
	check("adopted")
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Adopted != 5 { // the empty one does not count
		t.Errorf("%d adopted, want 5", s.Adopted)
	}
	if left := names(t, dir, ""); len(left) != 5 {
		t.Errorf("left: %v", left)
	}
}

// Several journals open a folder of orphans at once, and none takes another's.
func TestAdoptersRace(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 20 {
		batch := makeBatch(t, i*100, 20, 5)
		var content []byte
		for _, e := range batch {
			content = appendLine(content, e.Line())
		}
		orphan(t, dir, i+1, content)
		want = append(want, insertIDs(batch)...)
	}
	var journals []*Journal
	for i := range 4 {
		j := openTest(t, dir, nil)
		batch := makeBatch(t, 100000+i*100, 5, 5)
		if err := j.Write(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
		want = append(want, insertIDs(batch)...)
		journals = append(journals, j)
	}
	waitFor(t, func() bool { return len(names(t, dir, extOpen)) == 4 })
	got := scanIDs(t, readerTest(t, dir))
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// A file is counted after it has lost its name: the counts are whole once the
	// journals are closed.
	adopted := int64(0)
	for _, j := range journals {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
		adopted += j.Stats().Adopted
	}
	if adopted != 20 {
		t.Errorf("%d adopted, want 20", adopted)
	}
}

func TestCloseInNoTime(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 5000, 5)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = j.Close(ctx) // whether it was fast enough or not
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	j.keep.done.Wait()
	if left := names(t, dir, extTemp); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestFileModes(t *testing.T) {
	if os.PathSeparator == '\\' {
		t.Skip("SKIPPED: no such modes here")
	}
	for _, c := range []struct {
		shared    bool
		file, dir os.FileMode
	}{{false, 0o600, os.ModeDir | 0o700}, {true, 0o640, os.ModeDir | os.ModeSetgid | 0o750}} {
		dir := filepath.Join(t.TempDir(), "j")
		j := openTest(t, dir, &Options{Shared: c.shared})
		if st, err := os.Stat(dir); err != nil || st.Mode() != c.dir {
			t.Errorf("folder %v, %v; want %v", st.Mode(), err, c.dir)
		}
		if err := j.Write(context.Background(), makeBatch(t, 0, 1, 1)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for _, name := range names(t, dir, "") {
				if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode() != c.file {
					t.Errorf("%s: %v, %v; want %v", name, st.Mode(), err, c.file)
				}
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// lateFS lets another adopter be done with a file between its opening and its
// locking.
type lateFS struct {
	quickFS
	t *testing.T
}

func (l lateFS) Open(path string) (file, error) {
	f, err := l.quickFS.Open(path)
	if err == nil && strings.HasPrefix(filepath.Base(path), "dead-") {
		if err := os.Remove(path); err != nil {
			l.t.Error(err)
		}
	}
	return f, err
}

// The lock of a file without a name is worth nothing: what it held is elsewhere, or
// removed by the cap, and must not come back.
func TestAdoptTooLate(t *testing.T) {
	dir := t.TempDir()
	var content []byte
	for _, e := range makeBatch(t, 0, 3, 1) {
		content = appendLine(content, e.Line())
	}
	orphan(t, dir, 1, content)
	j := openTest(t, dir, &Options{fs: lateFS{t: t}})
	waitFor(t, func() bool { return len(names(t, dir, "")) == 1 })
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := names(t, dir, ""); len(left) != 0 || j.Stats().Adopted != 0 {
		t.Errorf("left %v, adopted %d", left, j.Stats().Adopted)
	}
}
