package journalsink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// damageFile makes one file with entries and returns its path and bytes. For a closed one
// the blocks are small, so that there are several.
func damageFile(t *testing.T, dir string, batch []*entry.Entry, closed bool) (path string, content []byte, blockLines int) {
	t.Helper()
	base := newBase("x", testStart, 1, 1)
	var plain []byte
	for _, e := range batch {
		plain = appendLine(plain, e.Line())
	}
	path = filepath.Join(dir, base+extOpen)
	content = plain
	if closed {
		path = filepath.Join(dir, base+extClosed)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSealer(f)
		if err != nil {
			t.Fatal(err)
		}
		blockLines = 4
		for len(plain) > 0 {
			for range blockLines {
				i := slices.Index(plain, '\n')
				if i < 0 {
					break
				}
				if err := s.add(rawLine{text: slices.Clone(plain[:i]), size: int64(i)}, func() bool { return false }); err != nil {
					t.Fatal(err)
				}
				plain = plain[i+1:]
			}
			if err := s.flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.finish(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if content, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return path, content, blockLines
}

// checkDamaged reads a damaged folder in every way. At most cost entries may be
// missing, none may be false or twice, and what is missing must have been said.
func checkDamaged(t *testing.T, dir string, batch []*entry.Entry, cost int, what string) {
	t.Helper()
	r := readerTest(t, dir)
	lines := make(map[string]bool)
	for _, e := range batch {
		lines[string(e.Line())] = true
	}
	got := 0
	for e, err := range r.Scan(context.Background(), ScanOptions{}) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !lines[string(e.Line())] {
			t.Fatalf("%s: an entry that was never written, or came twice: %s", what, e.Line())
		}
		delete(lines, string(e.Line()))
		got++
	}
	if missing := len(batch) - got; missing > cost {
		t.Fatalf("%s: %d entries missing, at most %d may be", what, missing, cost)
	}
	cov, err := r.Coverage(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(batch) != got && len(cov.Damaged) == 0 {
		t.Fatalf("%s: %d entries missing, and not a word", what, len(batch)-got)
	}
	// By columns as well: what a block has lost, they still know.
	r2 := readerTest(t, dir) // without what the first one knows
	rows, matched := 0, 0
	for row, err := range r2.Rows(context.Background(), ScanOptions{}) {
		if err != nil || row.Kind() != entry.KindServer {
			t.Fatalf("%s: a row of kind %q, %v", what, row.Kind(), err)
		}
		rows++
	}
	for e, err := range r2.Scan(context.Background(), ScanOptions{Match: func(r *Row) bool { return r.Kind() == entry.KindServer }}) {
		if err != nil {
			t.Fatalf("%s: %v: %v", what, e, err)
		}
		matched++
	}
	if rows > len(batch) || len(batch)-rows > cost || matched != got {
		t.Fatalf("%s: %d rows and %d entries by columns, %d entries read", what, rows, matched, got)
	}
	found := 0
	r2 = readerTest(t, dir)
	for _, id := range []string{"txid-000000", "txid-000001"} {
		for e, err := range r2.Lookup(context.Background(), id) {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if string(e.TxID) != id {
				t.Fatalf("%s: lookup of %s gave %s", what, id, e.TxID)
			}
			found++
		}
	}
	if missing := len(batch) - found; missing > cost {
		t.Fatalf("%s: lookup: %d entries missing, at most %d may be", what, missing, cost)
	}
}

// openContent writes a file and keeps it open, to be changed in place: to write it
// anew thousands of times makes some file systems wait for the disk each time.
func openContent(t *testing.T, path string, content []byte) *os.File {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestEveryByteFlipped(t *testing.T) {
	for _, closed := range []bool{false, true} {
		dir := t.TempDir()
		batch := makeBatch(t, 0, 12, 2)
		path, content, blockLines := damageFile(t, dir, batch, closed)
		cost := 1
		if closed {
			cost = blockLines
		}
		f := openContent(t, path, content)
		for at := range content {
			for _, bad := range []byte{content[at] ^ 1<<(at%8), ^content[at]} {
				if _, err := f.WriteAt([]byte{bad}, int64(at)); err != nil {
					t.Fatal(err)
				}
				most := cost
				if bad == '\n' || content[at] == '\n' {
					most++ // a newline gone joins two lines, a new one makes two of one
				}
				checkDamaged(t, dir, batch, most, path+": byte "+itoa(at)+" made "+itoa(int(bad)))
			}
			if _, err := f.WriteAt(content[at:at+1], int64(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestEveryTruncation(t *testing.T) {
	for _, closed := range []bool{false, true} {
		dir := t.TempDir()
		batch := makeBatch(t, 0, 12, 2)
		path, content, _ := damageFile(t, dir, batch, closed)
		blocks := []int64{0}
		if closed {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			x, err := readIndex(f, int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range x.blocks {
				blocks = append(blocks, b.at+b.size)
			}
			_ = f.Close()
		}
		f := openContent(t, path, content)
		for at := len(content) - 1; at >= 0; at-- {
			// How much of it is whole.
			whole := 0
			if closed {
				for _, end := range blocks[1:] {
					if int64(at) >= end {
						whole += 4
					}
				}
			} else {
				for _, c := range content[:min(at+1, len(content))] {
					if c == '\n' {
						whole++
					}
				}
			}
			if err := f.Truncate(int64(at)); err != nil {
				t.Fatal(err)
			}
			// Not of today: readers wait a moment for the end of a fresh line.
			if err := os.Chtimes(path, testStart, testStart); err != nil {
				t.Fatal(err)
			}
			r := readerTest(t, dir)
			if got := len(scanIDs(t, r)); got < whole {
				t.Fatalf("%s cut at %d: %d entries, want at least %d", path, at, got, whole)
			}
			if got := len(lookupIDs(t, r, "txid-00000")); got < whole {
				t.Fatalf("%s cut at %d: lookup of %d entries, want at least %d", path, at, got, whole)
			}
			cov, err := r.Coverage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			inLine := !closed && at > 0 && content[at-1] != '\n' && content[at] != '\n'
			if (closed || inLine) && len(cov.Damaged) == 0 {
				t.Fatalf("%s cut at %d: not a word of damage", path, at)
			}
			// A journal opens here, and takes the file as it is.
			if at%97 == 0 {
				j := openTest(t, dir, nil)
				if err := j.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				if got := len(scanIDs(t, readerTest(t, dir))); got < whole {
					t.Fatalf("%s cut at %d and adopted: %d entries, want at least %d", path, at, got, whole)
				}
				for _, left := range names(t, dir, "") {
					_ = os.Remove(filepath.Join(dir, left))
				}
				f = openContent(t, path, content[:at])
			}
		}
	}
}

// What is no journal file is left alone, and said.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	good := newBase("x", testStart, 1, 1)
	batch := makeBatch(t, 0, 3, 1)
	_, content, _ := damageFile(t, dir, batch, false)
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, content, 0o600); err != nil {
		t.Fatal(err)
	}
	base := func(n int) string { return newBase("x", testStart, 2, n) }
	write("notes.txt", []byte("hello"))
	write("app.jsonl", content)
	write(good+extOpen, content)
	write(".side", nil)
	write(base(1)+extOpen, nil)
	write(base(2)+extClosed, nil)
	write(base(3)+extClosed, content)
	write(base(4)+extOpen, []byte("\x00\x00\x00\n\xff\xfe\n{}\n[1]\n"))
	if err := os.Mkdir(filepath.Join(dir, base(5)+extOpen), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, base(6)+extOpen)); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	r := readerTest(t, dir)
	if got := scanIDs(t, r); !slices.Equal(got, insertIDs(batch)) {
		t.Errorf("entries %v", got)
	}
	cov, err := r.Coverage(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]error{}
	for _, d := range cov.Damaged {
		reasons[d.File] = d.Err
		if d.String() == "" {
			t.Error("damage without a text")
		}
	}
	for file, want := range map[string]error{
		"notes.txt":         ErrForeign,
		"app.jsonl":         ErrForeign,
		base(2) + extClosed: ErrIndex,
		base(3) + extClosed: ErrBlock,
		base(4) + extOpen:   ErrLine,
		base(5) + extOpen:   ErrForeign,
		base(6) + extOpen:   ErrForeign,
	} {
		if !errors.Is(reasons[file], want) {
			t.Errorf("%s: %v, want %v", file, reasons[file], want)
		}
	}
	if err := reasons[".side"]; err != nil {
		t.Errorf(".side: %v", err)
	}

	// A journal opens, adopts what is its own kind and touches nothing else.
	j := openTest(t, dir, &Options{MaxBytes: 1000})
	waitFor(t, func() bool { return len(names(t, dir, good+extClosed)) == 1 || j.Stats().Removed > 0 })
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"notes.txt", "app.jsonl", ".side", base(5) + extOpen, base(6) + extOpen} {
		if _, err := os.Lstat(filepath.Join(dir, file)); err != nil {
			t.Errorf("%s was removed: %v", file, err)
		}
	}
	if b, err := os.ReadFile(outside); err != nil || !slices.Equal(b, content) {
		t.Error("a link was followed")
	}
}

// OnDamage may use the reader that tells it, also for the file that is damaged.
func TestOnDamageReads(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 10, 1)
	b := []byte("no line\n")
	for _, e := range batch {
		b = appendLine(b, e.Line())
	}
	if err := os.WriteFile(filepath.Join(dir, newBase("web", testStart, 1, 1)+extOpen), b, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(r *Reader) int{
		"look-up": func(r *Reader) int { return len(lookupIDs(t, r, "txid-000000")) },
		"coverage": func(r *Reader) int {
			c, err := r.Coverage(context.Background())
			if err != nil {
				return 0
			}
			return c.Files
		},
		"rows": func(r *Reader) (n int) {
			for _, err := range r.Rows(context.Background(), ScanOptions{}) {
				if err != nil {
					return 0
				}
				n++
			}
			return n
		},
	} {
		var r *Reader
		told := 0
		r, err := OpenReader(dir, &ReaderOptions{OnDamage: func(Damage) {
			if told++; read(r) == 0 {
				t.Errorf("%s: OnDamage can not read", name)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan int, 1)
		go func() { done <- read(r) }()
		select {
		case n := <-done:
			if n == 0 || told != 1 {
				t.Errorf("%s: %d read, told %d times", name, n, told)
			}
		case <-time.After(3 * time.Second):
			t.Fatalf("%s waits for itself", name)
		}
	}
}
