package journalsink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A filter never denies a prefix of what is in it, and lets few others pass.
func TestIDFilter(t *testing.T) {
	var ids []string
	for i := range 3000 {
		ids = append(ids, string(mintID(i)))
	}
	ids = append(ids, "abcdefgh", "a-company.prod.eu-west-1.000001", "a-company.prod.eu-west-1.000002", strings.Repeat("x", 128), strings.Repeat("x", 127)+"y")
	slices.Sort(ids)
	section := encodeFilter(ids)
	f, err := parseFilter(section)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f bytes per txid", float64(len(f))/float64(len(ids)))
	if len(f) > 5*len(ids) {
		t.Errorf("%d bytes for %d txids", len(f), len(ids))
	}
	for _, id := range ids {
		for n := 1; n <= len(id); n++ {
			if newPrefixSet([]string{id[:n]}).excluded(f) {
				t.Fatalf("%q is denied, and %q is there", id[:n], id)
			}
		}
	}
	vain := 0
	for i := range 10000 {
		if !newPrefixSet([]string{string(mintID(1e6 + i))}).excluded(f) {
			vain++
		}
	}
	if vain > 50 { // 13 are to be expected
		t.Errorf("%d of 10000 absent txids pass", vain)
	}
	for _, bad := range [][]byte{nil, section[:7], section[:len(section)-1], append(slices.Clone(section), 0)} {
		if _, err := parseFilter(bad); err == nil {
			t.Errorf("%d bytes are taken for a filter", len(bad))
		}
	}
	none, err := parseFilter(encodeFilter(nil))
	if err != nil || !newPrefixSet([]string{ids[0]}).excluded(none) {
		t.Errorf("a file without txids may have one: %v", err)
	}
}

// FuzzFilter: no section makes the filter panic.
func FuzzFilter(f *testing.F) {
	f.Add(encodeFilter([]string{"abcdefgh"}), "abcdefgh")
	f.Add(encodeFilter(nil), "")
	f.Fuzz(func(_ *testing.T, section []byte, prefix string) {
		if filter, err := parseFilter(section); err == nil {
			newPrefixSet([]string{prefix}).excluded(filter)
		}
	})
}

func TestPrefixSet(t *testing.T) {
	s := newPrefixSet([]string{"a", "ab", "abc", "b1", "b10", "b2", "c"})
	if diff := fmt.Sprint(s.all); diff != "[a b1 b2 c]" {
		t.Errorf("kept %v", diff)
	}
	for id, want := range map[string]bool{"": false, "a": true, "azz": true, "b": false, "b1": true, "b1x": true, "b3": false, "c~": true, "d": false, "A": false} {
		if got := s.match([]byte(id)); got != want {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}

// A reader that keeps little, or nothing, finds what one finds that keeps all; what
// is kept stays within its bounds and goes with the files.
func TestReaderKeepsWithinBounds(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 20 << 10, MaxBytes: -1})
	const batches = 60
	for b := range batches {
		if err := j.Write(context.Background(), makeBatch(t, b*100, 100, 7000)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return len(names(t, dir, extOpen)) == 1 })
	all := readerTest(t, dir)
	for _, bytes := range []int{0, 4 << 10, 1, -1} {
		r, err := OpenReader(dir, &ReaderOptions{CacheBytes: bytes})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for n := 0; n < 6000; n += 777 {
				id := fmt.Sprintf("txid-%06d", n)
				if got := lookupIDs(t, r, id); len(got) != 1 {
					t.Errorf("CacheBytes %d: %s: %d entries", bytes, id, len(got))
				}
			}
			var ids []string
			for n := range 100 {
				ids = append(ids, fmt.Sprintf("txid-%06d", n*61))
			}
			n := 0
			for e, err := range r.LookupAll(context.Background(), ids) {
				if err != nil || !slices.Contains(ids, string(e.TxID)) {
					t.Fatalf("%v, %v", e, err)
				}
				n++
			}
			if want := (6000 + 60) / 61; n != want {
				t.Errorf("CacheBytes %d: %d of 100 found, want %d", bytes, n, want)
			}
		}
		size := 0
		for _, v := range r.shelf.volumes {
			if i := v.info.Load(); i != nil {
				size += len(i.filter)
			}
		}
		if size != r.shelf.size || size > max(0, r.shelf.limit) || bytes == 0 && size == 0 {
			t.Errorf("CacheBytes %d: %d bytes of filters, counted %d, limit %d", bytes, size, r.shelf.size, r.shelf.limit)
		}
		cov, err := r.Coverage(context.Background())
		if err != nil || cov.Files < 20 || !cov.To.Equal(testStart.Add(5999*time.Millisecond)) {
			t.Errorf("CacheBytes %d: %+v, %v", bytes, cov, err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	small := openTest(t, dir, &Options{MaxBytes: 10 << 10, MaxFileBytes: 5 << 10})
	waitFor(t, func() bool { return len(names(t, dir, extClosed)) < 10 })
	if err := small.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	lookupIDs(t, all, "txid-000001")
	left := 0
	for _, v := range all.shelf.volumes {
		if i := v.info.Load(); i != nil {
			left += len(i.filter)
		}
	}
	if left != all.shelf.size {
		t.Errorf("%d bytes of filters are left, counted are %d", left, all.shelf.size)
	}
}
