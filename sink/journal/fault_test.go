package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// faultFS is the real file system with faults in it.
type faultFS struct {
	quickFS
	mu       sync.Mutex
	room     int64 // bytes that may still be written; negative: no limit
	writeErr error // what a write beyond room fails with
	truncErr error
	syncErr  error
	makeErr  error // what making a file fails with
	free     func() (uint64, uint64)
}

func (f *faultFS) set(change func(*faultFS)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faultFS) Create(path string, perm fs.FileMode) (file, error) {
	f.mu.Lock()
	err := f.makeErr
	f.mu.Unlock()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	made, err := f.quickFS.Create(path, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{file: made, fs: f}, nil
}

func (f *faultFS) Free(dir string) (uint64, uint64, error) {
	if f.free == nil {
		return f.quickFS.Free(dir)
	}
	free, total := f.free()
	return free, total, nil
}

type faultFile struct {
	file
	fs *faultFS
}

func (f *faultFile) Write(b []byte) (int, error) {
	f.fs.mu.Lock()
	room, err := f.fs.room, f.fs.writeErr
	if room >= 0 {
		f.fs.room = max(0, room-int64(len(b)))
	}
	f.fs.mu.Unlock()
	if room < 0 || int64(len(b)) <= room {
		return f.file.Write(b)
	}
	n, _ := f.file.Write(b[:room])
	return n, err
}

func (f *faultFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	err := f.fs.truncErr
	f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.fs.syncErr != nil {
		return f.fs.syncErr
	}
	return f.file.Sync()
}

// failedOf returns the indexes that a Write did not accept, and checks that each
// may be tried again.
func failedOf(t *testing.T, err error, batch []*entry.Entry) (again []*entry.Entry) {
	t.Helper()
	if err == nil {
		return nil
	}
	var partial *sink.PartialError
	if errors.As(err, &partial) {
		for _, f := range partial.Failed {
			if _, ok := sink.RetryAfter(f.Err); !ok {
				t.Errorf("entry %d: not retryable: %v", f.Index, f.Err)
			}
			again = append(again, batch[f.Index])
		}
		return again
	}
	if _, ok := sink.RetryAfter(err); !ok {
		t.Errorf("not retryable: %v", err)
	}
	return batch
}

// A write is cut off after every possible byte, with and without the torn line
// taken back; what is said to be accepted, and only that, is there, and goes on
// being there when the rest is written again.
func TestWriteCutOff(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, truncErr := range []error{nil, syscall.EIO} {
			before, batch := makeBatch(t, 0, 1, 1), makeBatch(t, 1, 3, 3)
			size := 0
			for _, e := range batch {
				size += len(appendLine(nil, e.Line()))
			}
			for room := 0; room < size; room += 11 {
				dir := t.TempDir()
				f := &faultFS{room: -1, writeErr: cause, truncErr: truncErr}
				j := openTest(t, dir, &Options{fs: f})
				if err := j.Write(context.Background(), before); err != nil {
					t.Fatal(err)
				}
				f.set(func(f *faultFS) { f.room = int64(room) })
				err := j.Write(context.Background(), batch)
				if !errors.Is(err, cause) && !hasPartial(err, cause) {
					t.Fatalf("room %d: error %v, want %v", room, err, cause)
				}
				again := failedOf(t, err, batch)
				accepted := batch[:len(batch)-len(again)]
				// A second failure on top of the torn line.
				f.set(func(f *faultFS) { f.room = 3 })
				if err := j.Write(context.Background(), again); len(failedOf(t, err, again)) != len(again) {
					t.Fatalf("room %d: something was accepted into 3 bytes", room)
				}
				want := append(insertIDs(before), insertIDs(accepted)...)
				if diff := cmp.Diff(want, scanIDs(t, readerTest(t, dir))); diff != "" {
					t.Fatalf("%v, room %d, while full (-want +got)\n%s", cause, room, diff)
				}
				f.set(func(f *faultFS) { f.room = -1 })
				if err := j.Write(context.Background(), again); err != nil {
					t.Fatalf("room %d: after it has room again: %v", room, err)
				}
				want = append(insertIDs(before), insertIDs(batch)...)
				if diff := cmp.Diff(want, scanIDs(t, readerTest(t, dir))); diff != "" {
					t.Fatalf("%v, room %d (-want +got)\n%s", cause, room, diff)
				}
				if err := j.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, scanIDs(t, readerTest(t, dir))); diff != "" {
					t.Fatalf("%v, room %d, closed (-want +got)\n%s", cause, room, diff)
				}
				if s := j.Stats(); s.Entries != 4 || s.WriteErrors != 2 || s.LastError == "" {
					t.Fatalf("stats %+v", s)
				}
			}
		}
	}
}

func hasPartial(err, cause error) bool {
	var partial *sink.PartialError
	return errors.As(err, &partial) && errors.Is(partial.Failed[0].Err, cause)
}

// While no file can be made or compressed, entries go into the one that is open.
func TestNoNewFile(t *testing.T) {
	dir := t.TempDir()
	f := &faultFS{room: -1}
	j := openTest(t, dir, &Options{fs: f, MaxFileBytes: 1000, OnError: func(error) {}})
	batch := makeBatch(t, 0, 100, 5)
	f.set(func(f *faultFS) { f.makeErr = syscall.ENOSPC })
	for i := range batch {
		if i == 50 {
			f.set(func(f *faultFS) { f.makeErr = nil })
		}
		if err := j.Write(context.Background(), batch[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := j.Stats().Opened; got < 10 {
		t.Errorf("%d files opened, want one for each few entries after the 50th", got)
	}
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A file that could not be compressed is read as it is, and compressed later.
func TestSealFails(t *testing.T) {
	dir := t.TempDir()
	f := &faultFS{room: -1}
	j := openTest(t, dir, &Options{fs: f, OnError: func(error) {}})
	batch := makeBatch(t, 0, 10, 5)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	f.set(func(f *faultFS) { f.makeErr = syscall.EACCES })
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.SealErrors != 1 || s.Sealed != 0 {
		t.Errorf("stats %+v", s)
	}
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again := openTest(t, dir, nil)
	waitFor(t, func() bool { return again.Stats().Adopted == 1 })
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("adopted (-want +got)\n%s", diff)
	}
}

func TestSyncFails(t *testing.T) {
	f := &faultFS{room: -1, syncErr: syscall.EIO}
	told := make(chan error, 10)
	j := openTest(t, t.TempDir(), &Options{fs: f, OnError: func(err error) {
		select {
		case told <- err:
		default:
		}
	}})
	if err := j.Write(context.Background(), makeBatch(t, 0, 1, 1)); err != nil {
		t.Fatal(err)
	}
	j.tick()
	if err := <-told; !errors.Is(err, syscall.EIO) {
		t.Errorf("told %v", err)
	}
	if s := j.Stats(); s.SyncErrors == 0 {
		t.Errorf("stats %+v", s)
	}
	f.set(func(f *faultFS) { f.syncErr = nil })
}

// The folder is removed, or moved away, under a running journal.
func TestFolderRemoved(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "journal")
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 5, 1)
	if err := j.Write(context.Background(), batch[:1]); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(parent, "a")); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(context.Background(), batch[1:2]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(insertIDs(batch[1:2]), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("removed (-want +got)\n%s", diff)
	}
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	// Another one is in its place, and the very next write goes there.
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(context.Background(), batch[2:3]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(insertIDs(batch[2:3]), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("moved (-want +got)\n%s", diff)
	}
	// So it is with a link to where the folder has been taken.
	if err := os.Rename(dir, dir+".older"); err != nil {
		t.Fatal(err)
	}
	link(t, dir+".older", dir)
	if err := j.Write(context.Background(), batch[3:4]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(insertIDs(batch[2:4]), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("linked to (-want +got)\n%s", diff)
	}
	// A file moved away.
	if err := os.Rename(j.cur.path, filepath.Join(parent, "moved.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(context.Background(), batch[4:]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(insertIDs(batch[4:]), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("file moved (-want +got)\n%s", diff)
	}
	if j.Stats().LastError == "" {
		t.Error("not a word")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		opts *Options
		want error
	}{
		"no path":            {"", nil, ErrFolder},
		"NUL":                {"a\x00b", nil, ErrFolder},
		"a file":             {plain, nil, ErrFolder},
		"below a file":       {filepath.Join(plain, "x"), nil, ErrFolder},
		"read only":          {dir, &Options{fs: &faultFS{room: -1, makeErr: syscall.EROFS}}, ErrFolder},
		"negative size":      {dir, &Options{MaxFileBytes: -1}, ErrOptions},
		"negative age":       {dir, &Options{MaxFileAge: -1}, ErrOptions},
		"negative sync":      {dir, &Options{SyncEvery: -1}, ErrOptions},
		"whole disk":         {dir, &Options{MinFree: 1}, ErrOptions},
		"file beyond folder": {dir, &Options{MaxFileBytes: 2000, MaxBytes: 1000}, ErrOptions},
		"huge file":          {dir, &Options{MaxFileBytes: 2 << 30}, ErrOptions},
	} {
		j, err := Open(c.dir, c.opts)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if j != nil {
			_ = j.Close(context.Background())
		}
	}
	if _, err := OpenReader(filepath.Join(dir, "none"), nil); !errors.Is(err, ErrFolder) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reader of nothing: %v", err)
	}
	r := readerTest(t, dir)
	for _, prefix := range []string{"", "a b", "\"", string(make([]byte, 200))} {
		for _, err := range r.Lookup(context.Background(), prefix) {
			if !errors.Is(err, ErrPrefix) {
				t.Errorf("prefix %q: %v", prefix, err)
			}
		}
	}
}
