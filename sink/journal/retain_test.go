package journalsink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

func folderSize(t *testing.T, dir string) (size int64) {
	t.Helper()
	for _, name := range names(t, dir, "") {
		if st, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			size += st.Size()
		}
	}
	return size
}

// The folder stays within MaxBytes; the oldest go, the newest stay.
func TestMaxBytes(t *testing.T) {
	dir := t.TempDir()
	var told atomic.Int64
	const limit = 60 << 10
	j := openTest(t, dir, &Options{MaxBytes: limit, OnError: func(err error) {
		if errors.Is(err, ErrRetention) {
			told.Add(1)
		} else {
			t.Error(err)
		}
	}})
	batch := makeBatch(t, 0, 20000, 20000)
	for i := 0; i < len(batch); i += 20 {
		if err := j.Write(context.Background(), batch[i:i+20]); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The last look was before the last file was compressed.
	j = openTest(t, dir, &Options{MaxBytes: limit, OnError: func(error) { told.Add(1) }})
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if size := folderSize(t, dir); size > limit+limit/4 {
		t.Errorf("%d bytes in the folder, limit %d", size, limit)
	}
	if told.Load() == 0 {
		t.Error("nobody was told")
	}
	ids := scanIDs(t, readerTest(t, dir))
	if len(ids) == 0 || len(ids) == len(batch) || ids[len(ids)-1] != batch[len(batch)-1].InsertID {
		t.Fatalf("%d entries left", len(ids))
	}
	for i, id := range ids {
		if want := batch[len(batch)-len(ids)+i].InsertID; id != want {
			t.Fatalf("entry %d is %s, want %s: not the oldest went", i, id, want)
		}
	}
}

// MinFree removes closed files while the disk is too full, but keeps the newest for
// as long as writes succeed.
func TestMinFree(t *testing.T) {
	dir := t.TempDir()
	var files int
	f := &faultFS{room: -1}
	const total = 1 << 20 // floor: 1 % of it, 10 kB
	var free atomic.Int64
	free.Store(total / 2)
	f.free = func() (uint64, uint64) { return uint64(free.Load()), total }
	j := openTest(t, dir, &Options{fs: f, MaxFileBytes: 10 << 10, MinFree: 0.10, OnError: func(error) {}})
	write := func(n int) {
		t.Helper()
		for range n {
			if err := j.Write(context.Background(), makeBatch(t, files*100, 50, 50)); err != nil {
				t.Fatal(err)
			}
			files++
		}
	}
	write(60)
	waitFor(t, func() bool { return len(names(t, dir, extOpen)) == 1 })
	if got := j.Stats().Removed; got != 0 {
		t.Fatalf("%d files removed with half of the disk free", got)
	}
	before := folderSize(t, dir)
	free.Store(0)
	write(4)
	waitFor(t, func() bool { return j.Stats().Removed > 0 && len(names(t, dir, extOpen)) == 1 })
	if size := folderSize(t, dir); size < 10<<10 || size >= before {
		t.Errorf("%d of %d bytes left, want the newest 10 kB and little more", size, before)
	}
}
