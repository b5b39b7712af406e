package journalsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txtrail/txtrail/internal/report"
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

// A full disk costs a little of the journal for each write that fails, not all of it;
// and a quota that nobody can ask for is noticed by that alone.
func TestFullDiskMakesRoom(t *testing.T) {
	const file = 10 << 10
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: file, MinFree: -1, OnError: func(error) {}})
	for n := range 60 {
		if err := j.Write(context.Background(), makeBatch(t, n*100, 50, 50)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return len(names(t, dir, extOpen)) == 1 })
	before := folderSize(t, dir)
	j.keep.full.Store(true)
	j.keep.kick()
	waitFor(t, func() bool { return before-folderSize(t, dir) >= fullRoom*file })
	waitFor(t, func() bool { return !j.keep.full.Load() })
	if freed := before - folderSize(t, dir); freed > (fullRoom+1)*file {
		t.Errorf("%d of %d bytes freed, want %d and little more", freed, before, fullRoom*file)
	}
}

// What a sink has not got yet goes last, and is told.
func TestRetentionKeepsWhatIsNeeded(t *testing.T) {
	dir := t.TempDir()
	const file = 8 << 10
	fill := func(name string, rnd uint32, files int, begin time.Time) {
		t.Helper()
		for seq := 1; seq <= files; seq++ {
			noise := make([]byte, file)
			for i := range noise {
				noise[i] = byte(rand.IntN(256))
			}
			at := begin.Add(time.Duration(seq) * time.Minute)
			if err := os.WriteFile(filepath.Join(dir, newBase(name, at, rnd, seq)+extClosed), noise, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill("web", 1, 10, testStart)
	fill("api", 2, 10, testStart.Add(time.Hour))
	c := &shipCursor{Version: 1, Sink: "cloud", Writer: "web", Time: testStart.Add(2 * time.Hour), Done: map[string]int64{"00000001": 4}}
	b, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, shipDir, "cloud"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(shipPath(dir, "cloud", "web"+extCursor), b, 0o600); err != nil {
		t.Fatal(err)
	}
	var told []error
	shrink := func(files int64, opts Options) Stats {
		t.Helper()
		told = nil
		opts.MaxBytes = file * files
		opts.MaxFileBytes = file
		opts.Now = func() time.Time { return testStart.Add(3 * time.Hour) }
		opts.OnError = func(err error) { told = append(told, err) }
		j := openTest(t, dir, &opts)
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		return j.Stats()
	}
	left := func(name string) int { return len(namesFrom(t, dir, name)) }

	if s := shrink(9, Options{}); s.Removed != 11 || s.RemovedUnshipped != 0 || left("web") != 6 || left("api") != 3 {
		t.Errorf("%+v, left %d of web, %d of api", s, left("web"), left("api"))
	}
	if s := shrink(4, Options{}); s.Removed != 5 || s.RemovedUnshipped != 2 || left("web") != 4 || left("api") != 0 {
		t.Errorf("%+v, left %d of web, %d of api", s, left("web"), left("api"))
	}
	if len(told) != 1 || !errors.Is(told[0], ErrRetention) || !strings.Contains(told[0].Error(), `2 of them had entries that were not shipped to "cloud"`) {
		t.Errorf("told %v", told)
	}
	if s := logged(told[0]); !strings.HasPrefix(s, "txtrail does not record as it should") {
		t.Errorf("what was never shipped is told as %s", s)
	}
	// Age alone is no reason to remove what is needed.
	old := testStart.Add(-time.Hour)
	for _, name := range namesFrom(t, dir, "web") {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if s := shrink(4, Options{MaxAge: time.Hour}); s.Removed != 0 {
		t.Errorf("needed files were removed by age: %+v", s)
	}
	if err := os.RemoveAll(filepath.Join(dir, shipDir)); err != nil {
		t.Fatal(err)
	}
	if s := shrink(4, Options{MaxAge: time.Hour}); s.Removed != 4 {
		t.Errorf("old files are left: %+v", s)
	}
}

func namesFrom(t *testing.T, dir, name string) []string {
	t.Helper()
	return slices.DeleteFunc(names(t, dir, extClosed), func(file string) bool { return !strings.HasPrefix(file, name+"-") })
}

// A file is as old as its newest entry, whatever its name says.
func TestMaxAge(t *testing.T) {
	dir := t.TempDir()
	now := testStart
	clock := func() time.Time { return now }
	write := func(from int) {
		t.Helper()
		j := openTest(t, dir, &Options{Now: clock})
		if err := j.Write(context.Background(), makeBatch(t, from, 10, 10)); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	write(0)       // entries of testStart
	write(3600000) // and, begun as early, of an hour later
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{50 * time.Minute, 2}, {70 * time.Minute, 1}, {130 * time.Minute, 0}} {
		now = testStart.Add(step.after)
		j := openTest(t, dir, &Options{Now: clock, MaxAge: time.Hour})
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if left := len(names(t, dir, extClosed)); left != step.left {
			t.Errorf("after %v %d files are left, want %d", step.after, left, step.left)
		}
	}
	if _, err := Open(t.TempDir(), &Options{MaxAge: -1}); !errors.Is(err, ErrOptions) {
		t.Errorf("a negative MaxAge gives %v", err)
	}
}

// logged returns what a log has of an error that is told where there is no OnError.
func logged(err error) string {
	var b bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	report.Warn(err, 0)
	_, msg, _ := strings.Cut(b.String(), `msg="`)
	return msg
}

// What is told and is no fault is not told as one.
func TestNotices(t *testing.T) {
	for err, want := range map[error]string{
		ErrCrashed:   "txtrail found what a dead process had left unfinished",
		ErrRetention: "txtrail keeps its journal within its bounds",
		ErrFolder:    "txtrail does not record as it should",
	} {
		if s := logged(fmt.Errorf("%w: 2", err)); !strings.HasPrefix(s, want+`" error="journalsink: `) {
			t.Errorf("%v is told as %s", err, s)
		}
	}
}
