package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/sink"
)

// relook has a feed list the folder at the next look.
func relook(f *feed) { f.listing = folderTime{} }

// A folder that is away for a while is waited for: nothing of it is lost, and nothing
// comes twice when it is back.
func TestSpoolFolderAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := openTest(t, dir, &Options{MaxFileBytes: 4 << 10})
	var want []string
	for i := range 10 {
		want = append(want, writeTest(t, j, i*10, 10)...)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, spoolTest(t, dir, nil), "cloud")
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, _ := nextTest(t, f, 33)
	if err := f.Commit(context.Background(), 20); err != nil { // the rest is on its way
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		relook(f)
		if b, err := f.Look(context.Background()); !errors.Is(err, ErrFolder) || !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%+v, %v, want an error that says that the folder is gone", b, err)
		}
	}
	if err := f.Commit(context.Background(), 33); err == nil {
		t.Log("the cursor was written, though there is no folder")
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	relook(f)
	if b, err := f.Look(context.Background()); err != nil || b.Entries != int64(len(want)-33) {
		t.Fatalf("%+v, %v, want %d entries", b, err, len(want)-33)
	}
	got = append(got, drain(t, f, 7)...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	closeTest(t, f)
	f = attachTest(t, spoolTest(t, dir, nil), "cloud")
	if again := drain(t, f, 100); len(again) > 0 {
		t.Errorf("again: %v", again)
	}
	closeTest(t, f)
}

// A file that is back before its gap was sent is gone on with, where it was.
func TestSpoolFileBack(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 4 << 10})
	var want []string
	for i := range 6 {
		want = append(want, writeTest(t, j, i*10, 10)...)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, spoolTest(t, dir, nil), "cloud")
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, _ := nextTest(t, f, 5)
	if err := f.Commit(context.Background(), 5); err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, names(t, dir, extClosed)[0])
	if err := os.Rename(first, first+".away"); err != nil {
		t.Fatal(err)
	}
	relook(f)
	if _, err := f.Look(context.Background()); err != nil || len(f.lost) != 1 {
		t.Fatalf("%d lost, %v", len(f.lost), err)
	}
	if err := os.Rename(first+".away", first); err != nil {
		t.Fatal(err)
	}
	relook(f)
	if _, err := f.Look(context.Background()); err != nil || len(f.lost) != 0 {
		t.Fatalf("%d lost, %v", len(f.lost), err)
	}
	if diff := cmp.Diff(want, append(got, drain(t, f, 7)...)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	closeTest(t, f)
}

// A folder that was removed, and made again by the next write, has lost what it had. That
// is told; what comes is shipped, and who ships holds the lock as before.
func TestSpoolFolderRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := openTest(t, dir, nil)
	writeTest(t, j, 0, 10)
	f := attachTest(t, spoolTest(t, dir, nil), "cloud")
	if b, err := f.Look(context.Background()); err != nil || b.Entries != 10 {
		t.Fatalf("%+v, %v", b, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	want := writeTest(t, j, 10, 5)
	relook(f)
	if b, err := f.Look(context.Background()); err != nil || b.Entries != 15 {
		t.Fatalf("%+v, %v, want 10 that are lost and 5", b, err)
	}
	got, b := nextTest(t, f, 100)
	if b.Gaps != 1 || b.Lost != 10 || b.Entries[0].Gap.Count != 10 {
		t.Errorf("%+v", b)
	}
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := f.Commit(context.Background(), 100); err != nil {
		t.Error(err)
	}
	if _, err := spoolTest(t, dir, nil).Attach(context.Background(), "cloud"); !errors.Is(err, sink.ErrHeld) {
		t.Errorf("somebody else ships as well: %v", err)
	}
	closeTest(t, f)
	f = attachTest(t, spoolTest(t, dir, nil), "cloud")
	if again := drain(t, f, 100); len(again) > 0 {
		t.Errorf("again: %v", again)
	}
	closeTest(t, f)
}

// The same with a sink: it is said that the folder is gone, and all are delivered, once.
func TestShipFolderAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := openTest(t, dir, nil)
	writeTest(t, j, 0, 100)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	down := errors.New("connection refused")
	var mu sync.Mutex
	var told []error
	to := &ledger{}
	to.fault = func() error {
		mu.Lock()
		defer mu.Unlock()
		return down
	}
	h, err := sink.NewShip(spoolTest(t, dir, nil), to, &sink.ShipOptions{
		Name: "cloud", MaxBatch: 10, Poll: time.Millisecond, RetryMin: time.Millisecond, RetryMax: time.Millisecond,
		OnError: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return h.Stats().Retries > 0 })
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	down = nil // it gets the batch that was read, and no more
	mu.Unlock()
	waitFor(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		// By what first met it: reading, or writing the cursor. One word is enough.
		return slices.ContainsFunc(told, func(err error) bool { return errors.Is(err, fs.ErrNotExist) })
	})
	if st := h.Stats(); st.DroppedTotal() != 0 || st.Gaps != 0 {
		t.Errorf("%+v", st)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if err := h.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if st := h.Stats(); st.Delivered != 100 || st.DroppedTotal() != 0 || st.Gaps != 0 {
		t.Errorf("%+v", st)
	}
	if to.next.Load() != 100 || to.missed.Load()+to.again.Load() != 0 {
		t.Errorf("%d delivered, %d missed, %d again", to.next.Load(), to.missed.Load(), to.again.Load())
	}
}

// A folder that goes away while the lock is looked for is not made again.
func TestSpoolFolderGoesInBetween(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := openTest(t, dir, nil)
	writeTest(t, j, 0, 10)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, spoolTest(t, dir, nil), "cloud")
	if b, err := f.Look(context.Background()); err != nil || b.Entries != 10 {
		t.Fatalf("%+v, %v", b, err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := f.hold(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is held: %v", err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made again: %v", err)
	}
	closeTest(t, f.lock)
}
