package journalsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// smallFile closes a file with entries, as a process that soon died.
func smallFile(t testing.TB, dir, name string, n int, batch []*entry.Entry) string {
	t.Helper()
	base := newBase(name, testStart.Add(time.Duration(n)*time.Second), uint32(n), 1)
	var plain []byte
	for _, e := range batch {
		plain = appendLine(plain, e.Line())
	}
	var out bytes.Buffer
	s, err := newSealer(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(bytes.NewReader(plain), int64(len(plain)), func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, base+extClosed), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return base
}

// crashLoop leaves the files of a service that was restarted often, and returns their
// entries.
func crashLoop(t testing.TB, dir string, files int) (all []*entry.Entry) {
	t.Helper()
	for n := range files {
		batch := makeBatch(t, n*5, 5, 1000)
		smallFile(t, dir, "web", n, batch)
		all = append(all, batch...)
	}
	return all
}

// mergeNow merges as a journal that is opened does, so many files.
func mergeNow(t testing.TB, dir string, opts *Options, files int64) {
	t.Helper()
	j := openTest(t, dir, opts)
	waitFor(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, mergeLock))
		return err == nil && j.Stats().Merged >= files
	})
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := j.Stats().Merged; n != files {
		t.Errorf("%d files merged, want %d", n, files)
	}
}

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	batch := crashLoop(t, dir, 300)
	other := smallFile(t, dir, "api", 7, makeBatch(t, 9000, 5, 1000))
	reader := readerTest(t, dir)
	want := scanIDs(t, reader)
	mergeNow(t, dir, nil, 300)
	left := names(t, dir, extClosed)
	if len(left) != 3 || !slices.Contains(left, other+extClosed) {
		t.Fatalf("%d files left", len(left))
	}
	check := func(what string) {
		t.Helper()
		for name, r := range map[string]*Reader{"kept": reader, "new": readerTest(t, dir)} {
			got := scanIDs(t, r)
			slices.Sort(got)
			sorted := slices.Sorted(slices.Values(want))
			if diff := cmp.Diff(sorted, got); diff != "" {
				t.Errorf("%s, %s (-want +got)\n%s", what, name, diff)
			}
			for n := 0; n < len(batch); n += 97 {
				if got := lookupIDs(t, r, string(batch[n].TxID)); len(got) == 0 || !slices.Contains(got, batch[n].InsertID) {
					t.Errorf("%s, %s: %s: %v", what, name, batch[n].TxID, got)
				}
			}
			rows := 0
			for _, err := range r.Rows(context.Background(), ScanOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				rows++
			}
			if rows != len(want) {
				t.Errorf("%s, %s: %d rows, want %d", what, name, rows, len(want))
			}
			cov, err := r.Coverage(context.Background())
			if err != nil || len(cov.Damaged) > 0 {
				t.Errorf("%s, %s: %v, %v", what, name, cov.Damaged, err)
			}
		}
	}
	check("merged")
	// A crash before the parts were removed: they are hidden, then removed.
	crashLoop(t, dir, 300)
	check("parts left")
	if err := os.WriteFile(filepath.Join(dir, mergeTemp+"x.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, mergeLock)); err != nil {
		t.Fatal(err)
	}
	if mergeNow(t, dir, nil, 0); len(names(t, dir, extClosed)) != 3 || len(names(t, dir, ".tmp")) != 0 {
		t.Errorf("%d files left", len(names(t, dir, "")))
	}
	check("cleaned")
}

// The offsets of the parts are theirs, moved, and each part says which lines it has.
func TestMergeKeepsPlaces(t *testing.T) {
	dir := t.TempDir()
	crashLoop(t, dir, 40)
	plainOf := func(file string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		dec, err := newDecoder()
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		plain, err := dec.DecodeAll(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		return plain
	}
	parts := make(map[string][]byte)
	for _, file := range names(t, dir, extClosed) {
		parts[strings.TrimSuffix(file, extClosed)] = plainOf(file)
	}
	mergeNow(t, dir, nil, 40)
	file := names(t, dir, extClosed)[0]
	b, _, ok := splitName(file)
	if !ok || !b.merged() {
		t.Fatalf("left is %s", file)
	}
	whole := plainOf(file)
	r := readerTest(t, dir)
	origins, _ := r.originsOf(&listed{baseName: b, closed: true})
	if len(origins) != len(parts) {
		t.Fatalf("%d parts named, want %d", len(origins), len(parts))
	}
	for _, o := range origins {
		if !bytes.Equal(whole[o.at:o.at+o.size], parts[o.base]) || o.rows != int64(bytes.Count(parts[o.base], []byte{'\n'})) {
			t.Errorf("%+v is not what it was", o)
		}
	}
}

// What a sink has not got, and what can not be read whole, stays as it is.
func TestMergeLeavesAlone(t *testing.T) {
	dir := t.TempDir()
	batch := crashLoop(t, dir, 100)
	files := names(t, dir, extClosed)
	done := make(map[string]int64)
	for n := range 60 {
		done[fmt.Sprintf("%08x", n)] = 1
	}
	c := &shipCursor{Version: 1, Sink: "cloud", Writer: "web", Time: testStart, Done: done}
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
	bad := filepath.Join(dir, files[10])
	content, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	content[20] ^= 1
	if err := os.WriteFile(bad, content, 0o600); err != nil {
		t.Fatal(err)
	}
	mergeNow(t, dir, &Options{Now: func() time.Time { return testStart }}, 59)
	if left := names(t, dir, extClosed); len(left) != 42 || !slices.Contains(left, files[10]) {
		t.Errorf("%d files left", len(left))
	}
	r := readerTest(t, dir)
	if got := len(scanIDs(t, r)); got < len(batch)-5 {
		t.Errorf("%d entries, want at least %d", got, len(batch)-5)
	}
	b2, _, _ := splitName(names(t, dir, "-000000000001"+extClosed)[0])
	if _, needed := readHolds(osFS{}, dir, testStart).needs(b2); needed {
		t.Error("a sink would get again what was merged")
	}
}

// A reader that listed the folder before the merging misses nothing and reads nothing
// twice; the same holds for a follower, wherever it stands.
func TestMergeUnderReaders(t *testing.T) {
	dir := t.TempDir()
	batch := crashLoop(t, dir, 60)
	late := readerTest(t, dir)
	var got []string
	var rows int
	n := 0
	for e, err := range late.Scan(context.Background(), ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.InsertID); n == 12 {
			mergeNow(t, dir, nil, 60)
		}
		n++
	}
	if diff := cmp.Diff(insertIDs(batch), got); diff != "" {
		t.Errorf("scan (-want +got)\n%s", diff)
	}

	dir = t.TempDir()
	batch = crashLoop(t, dir, 60)
	late = readerTest(t, dir)
	for _, err := range late.Rows(context.Background(), ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if rows++; rows == 12 {
			mergeNow(t, dir, nil, 60)
		}
	}
	if rows != len(batch) {
		t.Errorf("%d rows, want %d", rows, len(batch))
	}

	dir = t.TempDir()
	batch = crashLoop(t, dir, 30)
	var followed []string
	tl := tailer{r: readerTest(t, dir), dup: newSeen(), at: map[string]*tailed{}, yield: yieldIDs(t, &followed)}
	if !tl.poll(context.Background()) {
		t.Fatal("the follower stopped")
	}
	tl.dup = newSeen() // it must not need it
	for k := 30; k < 60; k++ {
		more := makeBatch(t, k*5, 5, 1000)
		smallFile(t, dir, "web", k, more)
		batch = append(batch, more...)
	}
	mergeNow(t, dir, nil, 60)
	for range 3 {
		if !tl.poll(context.Background()) {
			t.Fatal("the follower stopped")
		}
		tl.dup = newSeen()
	}
	if diff := cmp.Diff(insertIDs(batch), followed); diff != "" {
		t.Errorf("followed (-want +got)\n%s", diff)
	}
	// One that begins now sees nothing of it.
	followed = nil
	tl = tailer{r: readerTest(t, dir), dup: newSeen(), at: map[string]*tailed{}, yield: yieldIDs(t, &followed)}
	if err := tl.begin(false); err != nil || !tl.poll(context.Background()) || len(followed) > 0 {
		t.Errorf("a follower from now on gets %d entries, %v", len(followed), err)
	}
}

// Two at a time: one merges, nothing is lost or comes twice.
func TestMergeByTwo(t *testing.T) {
	dir := t.TempDir()
	batch := crashLoop(t, dir, 100)
	a, b := openTest(t, dir, nil), openTest(t, dir, nil)
	waitFor(t, func() bool { return len(names(t, dir, extClosed)) == 1 })
	for _, j := range []*Journal{a, b} {
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if a.Stats().Merged+b.Stats().Merged != 100 {
		t.Errorf("%d and %d merged, want 100", a.Stats().Merged, b.Stats().Merged)
	}
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FuzzOrigins: no section makes the reader panic.
func FuzzOrigins(f *testing.F) {
	f.Add(encodeOrigins([]origin{{base: newBase("x", testStart, 1, 1), at: 0, size: 10, rows: 1}}))
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, section []byte) {
		origins, err := parseOrigins(section)
		if err != nil {
			if !errors.Is(err, ErrIndex) {
				t.Fatal(err)
			}
			return
		}
		if again := encodeOrigins(origins); len(origins) > 0 && !bytes.Equal(again, section) {
			t.Fatalf("%x encoded again is %x", section, again)
		}
	})
}

// Files are merged when every sink has got them, and no sink gets them again; a new one
// gets all, once.
func TestMergeAndShip(t *testing.T) {
	dir := t.TempDir()
	batch := crashLoop(t, dir, 60)
	s := spoolTest(t, dir, &SpoolOptions{Name: "web"})
	first, second := attachTest(t, s, "first"), attachTest(t, s, "second")
	if got := drain(t, first, 40); len(got) != len(batch) {
		t.Fatalf("%d entries shipped, want %d", len(got), len(batch))
	}
	closeTest(t, first)
	first = attachTest(t, s, "first")
	// The second has nothing yet: all is needed.
	j := openTest(t, dir, nil)
	if groups := j.small(mustList(t, j), nil); len(groups) > 0 {
		t.Errorf("%d files that a sink needs would be merged", len(groups[0]))
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, second, 7); len(got) != len(batch) {
		t.Fatalf("%d entries shipped, want %d", len(got), len(batch))
	}
	closeTest(t, second)
	mergeNow(t, dir, nil, 60)
	second = attachTest(t, s, "second")
	third := attachTest(t, s, "third")
	for name, c := range map[string]struct {
		f    *feed
		want []string
	}{"shipping all the time": {first, nil}, "begun again": {second, nil}, "new": {third, insertIDs(batch)}} {
		if diff := cmp.Diff(c.want, drain(t, c.f, 50)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		closeTest(t, c.f)
	}
}

func mustList(t *testing.T, j *Journal) []listed {
	t.Helper()
	bases, _, ok := j.folder()
	if !ok {
		t.Fatal("the folder can not be listed")
	}
	return bases
}
