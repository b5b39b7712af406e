package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Letters that are to be sent again are sent and their file goes, whatever the cursor
// says of it and however its last write ended: while it is there, no others can be.
func TestAgainDamaged(t *testing.T) {
	batch := makeBatch(t, 0, 2, 7)
	ids := insertIDs(batch)
	letterOf := func(i int) string {
		return fmt.Sprintf(`{"reason":"no","time":"2026-11-20T11:28:38Z","entry":%s}`+"\n", batch[i].Line())
	}
	two := letterOf(0) + letterOf(1)
	for _, tt := range []struct {
		name  string
		file  string
		again int64
		want  []string
	}{
		{"as it should be", two, 0, ids},
		{"begun", two, int64(len(letterOf(0))), ids[1:]},
		{"a cursor behind the end", two, int64(len(two)) + 1, ids},
		{"a cursor far behind the end", two, 1 << 50, ids},
		{"a negative cursor", two, -5, ids},
		{"a cursor within a line", two, 7, ids},
		{"done and not removed", two, int64(len(two)), nil},
		{"torn", two + `{"reason":"no`, 0, ids},
		{"only torn", `{"reason":"no`, 0, nil},
		{"empty", "", 0, nil},
		{"empty lines", "\n\n" + two + "\n\n", 0, ids},
		{"only empty lines", "\n\n\n", 0, nil},
		{"no letters", "1\n{}\nnull\n", 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			folder := shipFolder("cloud")
			if err := os.MkdirAll(filepath.Join(dir, shipDir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
			c := shipCursor{Version: 1, Sink: "cloud", Writer: DefaultName, Time: testStart, Again: tt.again}
			b, err := c.encode()
			if err != nil {
				t.Fatal(err)
			}
			again := shipPath(dir, folder, againName(DefaultName))
			for path, content := range map[string]string{
				shipPath(dir, folder, DefaultName+extCursor): string(b),
				again: tt.file,
			} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := ShipStates(context.Background(), dir, testStart); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(again); err != nil {
				t.Errorf("who only looks has removed the file: %v", err)
			}
			f := attachTest(t, spoolTest(t, dir, nil), "cloud")
			var got []string
			for range 10 { // one at a time, so that a batch ends before what is torn
				if _, err := f.Look(context.Background()); err != nil {
					t.Fatal(err)
				}
				ids, _ := nextTest(t, f, 1)
				got = append(got, ids...)
				if err := f.Commit(context.Background(), len(ids)); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := os.Lstat(again); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file is still there: %v", err)
			}
			closeTest(t, f)
		})
	}
}

// What stands in the place of the letters and is no file is told of, and left alone.
func TestAgainForeign(t *testing.T) {
	dir := t.TempDir()
	again := shipPath(dir, shipFolder("cloud"), againName(DefaultName))
	if err := os.MkdirAll(again, 0o700); err != nil {
		t.Fatal(err)
	}
	var told errorList
	f := attachTest(t, spoolTest(t, dir, &SpoolOptions{CommitEvery: -1, OnError: told.add}), "cloud")
	if b, err := f.Look(context.Background()); err != nil || b.Entries != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	if len(told.errs) == 0 {
		t.Error("nobody was told")
	}
	closeTest(t, f)
}

// What is damaged or foreign beside the letters and the cursors of one sink hides
// nothing of the others.
func TestSideFolderForeign(t *testing.T) {
	dir := t.TempDir()
	letters := ""
	for _, e := range makeBatch(t, 0, 2, 7) {
		letters += fmt.Sprintf(`{"reason":"no","time":"2026-11-20T11:28:38Z","entry":%s}`+"\n", e.Line())
	}
	for _, name := range []string{"a", "b", "c"} {
		f := attachTest(t, spoolTest(t, dir, nil), name)
		closeTest(t, f)
		if err := os.WriteFile(shipPath(dir, shipFolder(name), deadName(DefaultName)), []byte(letters), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name, file string) string { return shipPath(dir, shipFolder(name), file) }
	for _, path := range []string{
		in("a", "dead-web.jsonl"), in("b", againName(DefaultName)), in("b", "again-web.jsonl"), in("a", "web"+extCursor),
	} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files, err := DeadFiles(dir)
	if len(files) != 3 || !errors.Is(err, ErrForeign) {
		t.Errorf("%d files, %v", len(files), err)
	}
	states, err := ShipStates(context.Background(), dir, testStart)
	if len(states) != 4 || err != nil {
		t.Errorf("%d states, %v", len(states), err)
	}
	// b's way is barred.
	if n, err := Reship(dir, ""); n != 4 || !errors.Is(err, ErrForeign) {
		t.Errorf("%d letters, %v", n, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, shipDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, shipDir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := DeadFiles(dir); err == nil || errors.Is(err, ErrFolder) {
		t.Errorf("a file in the side folder's place: %v", err)
	}
}

// barredFS has something under every name to append to that can not be opened: a link to
// nowhere, on a system that opens through links.
type barredFS struct{ quickFS }

func (barredFS) Append(path string, _ fs.FileMode) (file, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrExist}
}

// What can be neither opened nor made is given up.
func TestDeadLettersBarred(t *testing.T) {
	s := spoolTest(t, t.TempDir(), &SpoolOptions{fs: barredFS{}})
	for name, open := range map[string]func() (file, error){
		"letters": func() (file, error) { return s.openDead(context.Background(), filepath.Join(s.dir, "x")) },
		"lock":    func() (file, error) { return s.lock(filepath.Join(s.dir, "x")) },
	} {
		within(t, func() {
			if _, err := open(); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// Who has letters to be sent again has something to ship, though all its files have
// gone.
func TestWritersWithLettersAlone(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, shipDir, shipFolder("cloud"))
	if err := os.MkdirAll(filepath.Join(folder, againName("afolder")), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{againName("web"), againName("No name"), deadName("api"), "again-core" + extCursor} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := Writers(dir)
	if diff := cmp.Diff([]string{"web"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
