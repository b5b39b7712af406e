package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// heldOpen counts the removed files of a folder that this process has open.
func heldOpen(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && strings.HasPrefix(to, dir) && strings.HasSuffix(to, " (deleted)") {
			n++
		}
	}
	return n
}

// What was let go is closed when the keeper ends, and what it has no place for at once.
func TestLetGoAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	k := newKeeper(&Journal{opts: Options{SyncEvery: time.Hour}}) // not started
	for i := range maxGone + 1 {
		path := filepath.Join(dir, strconv.Itoa(i))
		f, err := osFS{}.Create(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := k.letGo(&openFile{f: f}); err != nil {
			t.Fatal(err)
		}
	}
	if n := heldOpen(t, dir); n != maxGone {
		t.Fatalf("%d wait to be closed, want %d", n, maxGone)
	}
	close(k.ended)
	k.done.Add(1)
	k.ticks()
	if n := heldOpen(t, dir); n > 0 {
		t.Errorf("%d are open in the end", n)
	}
}

// Whoever removes a file that is being written wants its room: it is closed soon, also
// where nothing is synced for an hour, and with the journal at the latest.
func TestRemovedFilesAreClosed(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{SyncEvery: time.Hour, OnError: func(error) {}})
	remove := func(times int) {
		for i := range times {
			if err := j.Write(context.Background(), []*entry.Entry{makeEntry(t, "txid-000001", i, "")}); err != nil {
				t.Fatal(err)
			}
			for _, name := range names(t, dir, extOpen) {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	remove(2 * maxGone)
	waitFor(t, func() bool { return heldOpen(t, dir) <= 1 }) // the one that nobody has written to since
	remove(3)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := heldOpen(t, dir); n > 0 {
		t.Errorf("%d removed files are open behind a closed journal", n)
	}
}
