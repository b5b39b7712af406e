package journalsink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sparseFile makes a file of a size with nothing in it but what is written at its end.
func sparseFile(t testing.TB, path string, size int64, end string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(size); err != nil {
		t.Skip("no sparse files here:", err)
	}
	if _, err := f.WriteAt([]byte(end), size-int64(len(end))); err != nil {
		t.Fatal(err)
	}
	if seekData(f, 0) == 0 {
		t.Skip("this system does not say where holes are")
	}
}

// readsFS counts the bytes that are read of files, and may be told of each reading.
type readsFS struct {
	quickFS
	bytes  *atomic.Int64
	blind  bool // it does not know of holes
	onRead func(path string, total int64)
}

type readsFile struct {
	file
	fs   *readsFS
	path string
}

func (r *readsFS) Open(path string) (file, error) {
	f, err := r.quickFS.Open(path)
	if err != nil {
		return nil, err
	}
	return &readsFile{f, r, path}, nil
}

func (r *readsFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := r.file.ReadAt(b, at)
	total := r.fs.bytes.Add(int64(n))
	if r.fs.onRead != nil {
		r.fs.onRead(r.path, total)
	}
	return n, err
}

func (r *readsFile) NextData(at int64) int64 {
	if r.fs.blind {
		return at
	}
	return r.file.NextData(at)
}

const hugeBase = "web-20260101T000000-deadbeef-000001"

// A file of 2 GiB in which there is nothing is not read byte by byte: neither by who
// adopts it, nor by who ships it, nor by a reader. What is behind the nothing is found.
func TestHoles(t *testing.T) {
	const size = 2 << 30
	good := makeEntry(t, "txid-000001", 1, "behind it")
	line := string(appendLine([]byte{'\n'}, good.Line()))
	z, err := newSealer(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	packed := z.enc.EncodeAll([]byte(line[1:]), nil)
	for _, c := range []struct{ ext, end string }{{extOpen, line}, {extClosed, string(packed)}, {extOpen, "x"}, {extClosed, "x"}} {
		what := fmt.Sprintf("%s that ends in %.1q", c.ext, c.end)
		dir := t.TempDir()
		path := filepath.Join(dir, hugeBase+c.ext)
		sparseFile(t, path, size, c.end)
		want := []string{good.InsertID}
		if c.end == "x" {
			want = nil
		}
		if diff := cmp.Diff(want, scanIDs(t, readerTest(t, dir))); diff != "" {
			t.Errorf("%s: read (-want +got)\n%s", what, diff)
		}
		var read atomic.Int64
		files := &readsFS{bytes: &read}
		s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, fs: files})
		f := attachTest(t, s, "cloud")
		if diff := cmp.Diff(want, drain(t, f, 10)); diff != "" {
			t.Errorf("%s: shipped (-want +got)\n%s", what, diff)
		}
		closeTest(t, f)
		if n := read.Swap(0); n > 512<<20 {
			t.Errorf("%s: shipping read %d bytes", what, n)
		}
		if c.ext == extClosed {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, shipDir)); err != nil { // it needs the file
			t.Fatal(err)
		}
		j := openTest(t, dir, &Options{fs: files, MaxBytes: -1})
		waitFor(t, func() bool { return j.Stats().Adopted == 1 })
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if n := read.Load(); n > 64<<20 {
			t.Errorf("%s: adopting read %d bytes", what, n)
		}
		if diff := cmp.Diff(want, scanIDs(t, readerTest(t, dir))); diff != "" {
			t.Errorf("%s: adopted (-want +got)\n%s", what, diff)
		}
		// Offsets stay what they were.
		z, err := os.Open(filepath.Join(dir, hugeBase+extClosed))
		if err != nil {
			t.Fatal(err)
		}
		st, err := z.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if x, err := readIndex(z, st.Size()); err != nil || x.plain < size || x.plain > size+1 {
			t.Errorf("%s: %v", what, err)
		}
		_ = z.Close()
	}
}

// Close does not wait for a dead writer's huge file, whatever it is doing with it.
func TestCloseLeavesHugeFiles(t *testing.T) {
	for _, blind := range []bool{false, true} {
		dir := t.TempDir()
		sparseFile(t, filepath.Join(dir, hugeBase+extOpen), 2<<30, "x")
		reading := make(chan struct{})
		var closing atomic.Bool
		var after atomic.Int64
		var once sync.Once
		var read atomic.Int64
		var j *Journal
		files := &readsFS{bytes: &read, blind: blind, onRead: func(path string, total int64) {
			if strings.Contains(path, hugeBase) && total > 4<<20 {
				once.Do(func() {
					close(reading)
					for !j.keep.closing() {
						time.Sleep(time.Millisecond)
					}
					closing.Store(true)
				})
				if closing.Load() {
					after.Add(1)
				}
			}
		}}
		j = stillJournal(t, dir, &Options{OnError: func(err error) { t.Errorf("blind %v: %v", blind, err) }})
		j.fs = files
		j.keep.start()
		<-reading
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if n := after.Load(); n > 2 {
			t.Errorf("blind %v: %d readings after Close was called", blind, n)
		}
		if got := names(t, dir, ""); len(got) != 1 || got[0] != hugeBase+extOpen {
			t.Errorf("blind %v: left is %v", blind, got)
		}
	}
}

// To blank a damaged line of any size ends when it is told to.
func TestBlankingStops(t *testing.T) {
	s, err := newSealer(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	err = s.addBlank(1<<50, func() bool { asked++; return asked == 3 })
	if !errors.Is(err, errAborted) || asked != 3 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// Who ships stops in a foreign file when Close says so.
func TestSpoolStopsInForeignFile(t *testing.T) {
	for _, ext := range []string{extOpen, extClosed} {
		dir := t.TempDir()
		sparseFile(t, filepath.Join(dir, hugeBase+ext), 2<<30, "x")
		var read atomic.Int64
		s := spoolTest(t, dir, &SpoolOptions{Name: "web", fs: &readsFS{bytes: &read, blind: true}})
		f := attachTest(t, s, "cloud")
		ctx := &ending{Context: t.Context(), left: 20}
		if _, err := f.Look(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", ext, err)
		}
		if n := read.Load(); n > 20*chunkBytes {
			t.Errorf("%s: %d bytes were read", ext, n)
		}
		closeTest(t, f)
	}
}

// ending is a context that ends when it has been asked a number of times.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// A file larger than any journal's is no journal's: it stays, and that is told once.
func TestHugeFileStays(t *testing.T) {
	dir := t.TempDir()
	sparseFile(t, filepath.Join(dir, hugeBase+extOpen), maxPlain+1, "x")
	var told []string
	j := stillJournal(t, dir, &Options{OnError: func(err error) { told = append(told, err.Error()) }})
	for range 3 {
		j.adoptAll()
	}
	if len(told) != 1 || !strings.Contains(told[0], hugeBase) || !strings.Contains(told[0], "no journal writes more") {
		t.Errorf("told %q", told)
	}
	if got := names(t, dir, extOpen); len(got) != 1 {
		t.Errorf("left is %v", got)
	}
}

// A file that is made to keep a reader busy is given up: of frames that are none, of
// headers that lead nowhere, and of frames that blow up.
func TestFramesAreGivenUp(t *testing.T) {
	fake := make([]byte, 4<<20)
	for i := 0; i+4 <= len(fake); i += 4 {
		binary.LittleEndian.PutUint32(fake[i:], zstdMagic)
	}
	// A frame header and a thousand empty raw blocks, none of them the last, so that each
	// of the magics before them leads through all.
	walk := bytes.Repeat(append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58}, make([]byte, 3*1000)...), 500)
	for name, content := range map[string][]byte{"magics": fake, "headers": walk} {
		var read atomic.Int64
		var last error
		err := frames(countingReader{bytes.NewReader(content), &read}, int64(len(content)), func(int64, []byte) (int64, bool, error) {
			return 0, false, nil
		}, func(_ int64, why error) { last = why })
		if err != nil || last == nil {
			t.Errorf("%s: %v, told %v", name, err, last)
		}
		if n := read.Load(); n > 9*int64(len(content))+64<<20 {
			t.Errorf("%s: %d bytes read of a file of %d", name, n, len(content))
		}
	}
	s, err := newSealer(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	bomb := s.enc.EncodeAll(bytes.Repeat([]byte{' '}, 16<<20), nil)
	content := bytes.Repeat(bomb, 400) // of 6 GiB
	decoded, given := int64(0), false
	err = frames(bytes.NewReader(content), int64(len(content)), func(int64, []byte) (int64, bool, error) {
		decoded += 16 << 20
		return 16 << 20, true, nil
	}, func(_ int64, why error) { given = errors.Is(why, errRest) })
	if err != nil || !given || decoded > maxPlain+16<<20 {
		t.Errorf("%d bytes decoded, given up %v, %v", decoded, given, err)
	}
}

type countingReader struct {
	r io.ReaderAt
	n *atomic.Int64
}

func (c countingReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(b, at)
	c.n.Add(int64(n))
	return n, err
}

// A follower begins at the end of what can be no line.
func TestLastNewlineIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	sparseFile(t, path, 1<<40, "x")
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if at, err := lastNewline(f, 1<<40); err != nil || at != 1<<40 {
		t.Errorf("%d, %v", at, err)
	}
}

// nextMagic finds what looking at every place finds.
func FuzzNextMagic(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Add([]byte("xx\x50\x2a\x4d\x18\x28\xb5\x2f\xfd"))
	f.Add([]byte("\x2a\x4d\x18\x5f\x2a\x4d\x18"))
	f.Add([]byte("\x28\xb5\x2f\x55\x2a\x4d\x18\xfd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		want := -1
		for i := 0; i+4 <= len(b) && want < 0; i++ {
			if m := binary.LittleEndian.Uint32(b[i:]); m == zstdMagic || m&^0xf == skipMagic {
				want = i
			}
		}
		if got := nextMagic(b); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}
