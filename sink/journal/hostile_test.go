package journalsink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What bars the way of the background work is told of once, whatever it is, and all else
// goes on.
func TestBarredIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(t *testing.T, dir string)
		want string
	}{
		"a folder where the closed file is to be": {func(t *testing.T, dir string) {
			t.Helper()
			base := newBase("web", testStart, 77, 1)
			putFile(t, dir, base, makeBatch(t, 9000, 3, 3), false)
			mkdir(t, filepath.Join(dir, base+extClosed, "full"))
		}, "can not be compressed and stays as it is"},
		"a folder where its temporary file is to be": {func(t *testing.T, dir string) {
			t.Helper()
			base := newBase("web", testStart, 78, 1)
			putFile(t, dir, base, makeBatch(t, 9000, 3, 3), false)
			mkdir(t, filepath.Join(dir, base+extTemp, "full"))
		}, "can not be compressed and stays as it is"},
		"a folder for the lock of merging": {func(t *testing.T, dir string) {
			t.Helper()
			mkdir(t, filepath.Join(dir, mergeLock))
		}, "small files of"},
		"a link for the lock of merging": {func(t *testing.T, dir string) {
			t.Helper()
			link(t, "/nowhere", filepath.Join(dir, mergeLock))
		}, "small files of"},
		"a folder for the merged file": {func(t *testing.T, dir string) {
			t.Helper()
			mkdir(t, filepath.Join(dir, newBase("web", testStart, 0, 1)[:len("web-20260301T190400-00000000-")]+"000000000001"+extClosed))
		}, "small files of"},
		"a newer version's list of requests": {func(t *testing.T, dir string) {
			t.Helper()
			path := filepath.Join(dir, ".inflight-0000000000000004")
			if err := os.WriteFile(path, []byte("TXTRFLY9"+strings.Repeat("\x00", 5000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "what a dead process was serving can not be told"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "list of requests") && !removesOpen {
				t.Skip("no such lists here")
			}
			dir := t.TempDir()
			crashLoop(t, dir, 40)
			base := newBase("web", testStart, 99, 1)
			putFile(t, dir, base, makeBatch(t, 8000, 3, 3), false)
			c.put(t, dir)
			now := testStart
			var told []string
			j := stillJournal(t, dir, &Options{MaxBytes: -1, MinFree: -1, Now: func() time.Time { return now }, OnError: func(err error) { told = append(told, err.Error()) }})
			for range 4 {
				j.adoptAll()
				j.mergeSmall()
				j.adoptTables()
				now = now.Add(2 * tidyEvery)
			}
			if len(told) != 1 || !strings.Contains(told[0], c.want) {
				t.Errorf("told %q, want once %q", told, c.want)
			}
			if n := j.Stats().Adopted; n != 1 {
				t.Errorf("the rest did not go on: %d files adopted", n)
			}
		})
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// What is left out when a file is compressed is told of, once for the file.
func TestBlankedIsTold(t *testing.T) {
	dir := t.TempDir()
	base := newBase("web", testStart, 1, 1)
	putFile(t, dir, base, makeBatch(t, 0, 5, 5), false)
	path := filepath.Join(dir, base+extOpen)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[10] ^= 1
	b = append(b, "torn"...)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var told []error
	j := stillJournal(t, dir, &Options{OnError: func(err error) { told = append(told, err) }})
	j.adoptAll()
	j.adoptAll()
	if len(told) != 1 || !errors.Is(told[0], ErrLine) || !strings.Contains(told[0].Error(), "(2)") || !strings.Contains(told[0].Error(), base) {
		t.Errorf("told %v", told)
	}
}

// A closed file that is empty, as a power failure may leave it, is told of by who ships.
func TestEmptyClosedFileIsTold(t *testing.T) {
	dir := t.TempDir()
	base := newBase(DefaultName, testStart, 1, 1)
	if err := os.WriteFile(filepath.Join(dir, base+extClosed), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var told errorList
	f := attachTest(t, spoolTest(t, dir, &SpoolOptions{CommitEvery: -1, OnError: told.add}), "cloud")
	for range 3 {
		relook(f)
		if b, err := f.Look(context.Background()); err != nil || b.Entries != 0 {
			t.Errorf("%+v, %v", b, err)
		}
	}
	closeTest(t, f)
	if len(told.errs) != 1 || !errors.Is(told.errs[0], ErrBlock) {
		t.Errorf("told %v", told.errs)
	}
}

// The same failure is told once in an hour, another one in between.
func TestFeedWarnsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(map[string]int)
		f := &feed{s: &Spool{opts: SpoolOptions{OnError: func(err error) { told[err.Error()]++ }}}}
		for n := range 600 { // ten minutes
			f.warn(errors.New("a"))
			if n >= 300 {
				f.warn(errors.New("b"))
			}
			time.Sleep(time.Second)
		}
		if told["a"] != 1 || told["b"] != 1 {
			t.Errorf("told %v", told)
		}
		time.Sleep(warnAgain)
		f.warn(errors.New("a"))
		if told["a"] != 2 {
			t.Errorf("told %v", told)
		}
		for n := range 1000 {
			f.warn(fmt.Errorf("c%d", n))
			time.Sleep(warnPause)
		}
		if len(f.warnings) > 64 {
			t.Errorf("%d are remembered", len(f.warnings))
		}
	})
}
