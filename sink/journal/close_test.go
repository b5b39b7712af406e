package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// stallFS is a disk on which each write waits.
type stallFS struct {
	quickFS
	begun  chan struct{} // a token for a write that waits
	resume chan struct{} // closed when all may go on
}

func (s stallFS) Create(path string, perm fs.FileMode) (file, error) {
	f, err := s.quickFS.Create(path, perm)
	return stallFile{f, s}, err
}

type stallFile struct {
	file
	fs stallFS
}

func (s stallFile) Write(b []byte) (int, error) {
	select {
	case s.fs.begun <- struct{}{}:
	default:
	}
	<-s.fs.resume
	return s.file.Write(b)
}

// Close returns when its context has ended, although a write to the disk has not. What that
// write says in the end is true, and its file is let go: the next journal has it.
func TestCloseWhileAWriteStalls(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	disk := stallFS{begun: make(chan struct{}, 1), resume: make(chan struct{})}
	j := openTest(t, dir, &Options{fs: disk, MaxFileBytes: 100, SyncEvery: time.Millisecond})
	// So much that the Write which stalls goes on in a second file.
	var batch []*entry.Entry
	for i := range 100 {
		batch = append(batch, makeEntry(t, "txid-1", i, strings.Repeat("x", maxWrite/64)))
	}
	wrote := make(chan error, 1)
	go func() {
		err := j.Write(context.Background(), batch)
		wrote <- errors.Join(err, closedError(j.Write(context.Background(), batch)))
	}()
	<-disk.begun
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	closed := make(chan error, 1)
	go func() { closed <- j.Close(ctx) }()
	select {
	case err := <-closed:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want one that says that the context has ended", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Close waits for the disk")
	}
	// Who comes now waits for nothing.
	if err := closedError(j.Write(context.Background(), batch)); err != nil {
		t.Error(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	close(disk.resume)
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	// Their locks are free, as the next journal finds.
	left := names(t, dir, extOpen)
	if len(left) != 2 {
		t.Fatalf("left: %q", left)
	}
	for _, name := range left {
		waitFor(t, func() bool {
			f, err := osFS{}.Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer closeTest(t, f)
			return f.Lock() == nil
		})
	}
	again := openTest(t, dir, nil)
	waitFor(t, func() bool { return again.Stats().Adopted == 2 })
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := again.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// closedError returns nil if a Write has said for good that the journal is closed.
func closedError(err error) error {
	if sink.IsPermanent(err) && errors.Is(err, sink.ErrClosed) {
		return nil
	}
	return errors.Join(errors.New("not refused for good as closed"), err)
}
