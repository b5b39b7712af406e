package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// waitingFS holds compressing up, and counts what was synced and closed of open files.
type waitingFS struct {
	quickFS
	compress chan struct{} // closed: files may be compressed
	sync     chan struct{} // closed: a sync may end
	held     atomic.Bool   // one is waiting to be compressed, or was

	mu     sync.Mutex
	begun  int
	synced map[string]bool
	closed map[string]bool // true: it was synced before
	fail   error           // of a sync
}

func newWaitingFS() *waitingFS {
	return &waitingFS{compress: make(chan struct{}), sync: make(chan struct{}), synced: make(map[string]bool), closed: make(map[string]bool)}
}

func (w *waitingFS) Create(path string, perm fs.FileMode) (file, error) {
	if strings.HasSuffix(path, extTemp) {
		w.held.Store(true)
		<-w.compress
		return w.quickFS.Create(path, perm)
	}
	f, err := w.quickFS.Create(path, perm)
	if err == nil && strings.HasSuffix(path, extOpen) {
		w.mu.Lock()
		w.begun++
		w.mu.Unlock()
		f = &waitingFile{file: f, fs: w, path: path}
	}
	return f, err
}

func (w *waitingFS) counts() (begun, synced, closed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, len(w.synced), len(w.closed)
}

type waitingFile struct {
	file
	fs   *waitingFS
	path string
}

func (f *waitingFile) Sync() error {
	<-f.fs.sync
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.fs.fail != nil {
		return f.fs.fail
	}
	f.fs.synced[f.path] = true
	return f.file.Sync()
}

func (f *waitingFile) Close() error {
	// An empty one was taken by the journal's own look for what dead writers left, before
	// it was locked; another was begun then.
	if n, err := f.Size(); err != nil || n > 0 {
		f.fs.mu.Lock()
		f.fs.closed[f.path] = f.fs.synced[f.path]
		f.fs.mu.Unlock()
	}
	return f.file.Close()
}

// writeFiles writes entries into a file each.
func writeFiles(t *testing.T, j *Journal, from, n int) {
	t.Helper()
	batch := makeBatch(t, from, n, 5)
	for i := range batch {
		if err := j.Write(context.Background(), batch[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// SyncEvery holds for files that wait to be compressed, also while the journal is being
// closed.
func TestWaitingFilesAreSynced(t *testing.T) {
	w := newWaitingFS()
	close(w.sync)
	j := openTest(t, t.TempDir(), &Options{fs: w, MaxFileBytes: 1, SyncEvery: time.Millisecond})
	writeFiles(t, j, 0, 50)
	waitFor(t, func() bool { _, synced, _ := w.counts(); return synced == 50 })
	done := make(chan error)
	writeFiles(t, j, 50, 1)
	go func() { done <- j.Close(context.Background()) }()
	waitFor(t, func() bool { _, synced, _ := w.counts(); return synced == 51 })
	close(w.compress)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if s := j.Stats(); s.SyncErrors > 0 || s.Sealed != 51 {
		t.Errorf("stats %+v", s)
	}
}

// A file that is let go since too many wait is synced before, and no write waits for that.
func TestFilesLetGoAreSynced(t *testing.T) {
	w := newWaitingFS()
	j := openTest(t, t.TempDir(), &Options{fs: w, MaxFileBytes: 1, SyncEvery: time.Hour})
	const more = 20
	writeFiles(t, j, 0, maxPending+2+more) // one is being written, and one compressed
	if _, synced, closed := w.counts(); synced+closed > 0 {
		t.Errorf("%d synced, %d closed: who waited?", synced, closed)
	}
	close(w.sync)
	waitFor(t, func() bool { _, _, closed := w.counts(); return closed >= more })
	close(w.compress)
	if err := j.Close(context.Background()); err != nil {
		t.Error(err)
	}
	let := 0
	for path, synced := range w.closed {
		if !synced && exists(t, path) {
			t.Errorf("%s was closed and not synced", path)
		}
		if exists(t, path) {
			let++
		}
	}
	if let < more || let > more+1 { // the first may not have been taken to be compressed yet
		t.Errorf("%d were let go, want %d", let, more)
	}
}

// A sync that fails is told of, once at a time, and tried again.
func TestWaitingFilesSyncFails(t *testing.T) {
	w := newWaitingFS()
	w.fail = syscall.EIO
	close(w.sync)
	told := &told{}
	j := openTest(t, t.TempDir(), &Options{fs: w, MaxFileBytes: 1, SyncEvery: time.Hour, OnError: told.add})
	writeFiles(t, j, 0, 10)
	j.tick()
	if s := j.Stats(); !told.is(syscall.EIO) || len(told.errs) != 1 || s.SyncErrors != 1 {
		t.Errorf("told %v, stats %+v", told.errs, s)
	}
	w.mu.Lock()
	w.fail = nil
	w.mu.Unlock()
	j.tick()
	if _, synced, _ := w.counts(); synced != 10 {
		t.Errorf("%d synced", synced)
	}
	close(w.compress)
}

// failingCopyFS compresses nothing.
type failingCopyFS struct{ *waitingFS }

func (w failingCopyFS) Create(path string, perm fs.FileMode) (file, error) {
	if strings.HasSuffix(path, extTemp) {
		<-w.compress
		return nil, syscall.EIO
	}
	return w.waitingFS.Create(path, perm)
}

// A sync that fails while its file is given up, with nothing in its place, is told of.
func TestSyncFailsOfFileGivenUp(t *testing.T) {
	w := newWaitingFS()
	w.fail = syscall.ENOTSUP // not what the compressing says
	told := &told{}
	j := openTest(t, t.TempDir(), &Options{fs: failingCopyFS{w}, MaxFileBytes: 1, SyncEvery: time.Hour, OnError: told.add})
	writeFiles(t, j, 0, 2)
	waitFor(t, func() bool { j.keep.mu.Lock(); defer j.keep.mu.Unlock(); return j.keep.busy != nil })
	synced := make(chan struct{})
	go func() {
		defer close(synced)
		j.tell(j.keep.syncWaiting())
	}()
	waitFor(t, func() bool { return j.Stats().Syncs > 0 })
	close(w.compress)
	for begun := time.Now(); time.Since(begun) < 50*time.Millisecond; time.Sleep(time.Millisecond) {
		if _, _, closed := w.counts(); closed > 0 {
			break // without a look at the sync
		}
	}
	close(w.sync)
	<-synced
	waitFor(t, func() bool { return j.Stats().SealErrors > 0 })
	if s := j.Stats(); s.SyncErrors == 0 || !told.is(syscall.ENOTSUP) {
		t.Errorf("stats %+v", s)
	}
}

// When Close has given up, no tick follows: a disk that fails is told of no more.
func TestNothingIsToldAfterClose(t *testing.T) {
	w := newWaitingFS()
	w.fail = syscall.EIO
	close(w.sync)
	told := &told{}
	j := openTest(t, t.TempDir(), &Options{fs: w, MaxFileBytes: 1, SyncEvery: time.Millisecond, OnError: told.add})
	defer func() {
		close(w.compress)
		j.keep.done.Wait()
	}()
	writeFiles(t, j, 0, 10)
	waitFor(t, w.held.Load)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := j.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	told.mu.Lock()
	n := len(told.errs)
	told.mu.Unlock()
	time.Sleep(100 * time.Millisecond) // of ticks, if there were any
	told.mu.Lock()
	defer told.mu.Unlock()
	if after := len(told.errs) - n; after > 2 { // a tick was under way: one of those that wait, and the one being written
		t.Errorf("told %d times after Close", after)
	}
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := osFS{}.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}
