package journalsink

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// A file that is closed while the folder is read may be in neither place of one
// reading: its old name is gone before it is met, its new one comes too late.
func TestListMissesNothing(t *testing.T) {
	dir := t.TempDir()
	base := newBase("web", testStart, 1, 1)
	pass := 0
	bases, err := list(dir, func(dir string) ([]fs.DirEntry, error) {
		items, err := readDir(dir)
		if pass++; pass == 1 {
			// This is when the reading ends.
			return items, os.WriteFile(filepath.Join(dir, base+extClosed), nil, 0o600)
		}
		return items, err
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(bases) != 1 || bases[0].text != base || bases[0].open || !bases[0].closed {
		t.Errorf("listed %+v", bases)
	}
}

// A file that is closed, or removed, between the listing and the opening.
func TestClosedSinceListing(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 10, 2)
	if err := j.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	r := readerTest(t, dir)
	bases, err := r.list()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	each := yieldIDs(t, &got)
	for _, want := range []int{10, 0} {
		got = nil
		l := bases[0]
		if _, err := r.walk(t.Context(), &l, &query{}, 0, func(e *entry.Entry) bool { return each(e, nil) }); err != nil {
			t.Fatal(err)
		}
		if len(got) != want {
			t.Errorf("%d entries, want %d", len(got), want)
		}
		for _, name := range names(t, dir, "") {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		r = readerTest(t, dir)
	}
}
