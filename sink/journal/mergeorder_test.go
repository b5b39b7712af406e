package journalsink

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// stillJournal is a journal without a file and without its goroutines: what they do is
// called by the test.
func stillJournal(t testing.TB, dir string, opts *Options) *Journal {
	t.Helper()
	o, err := opts.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	j := &Journal{dir: dir, opts: o, fs: quickFS{}}
	j.keep = newKeeper(j)
	return j
}

// putFile writes a file of a process, closed or open.
func putFile(t testing.TB, dir, base string, batch []*entry.Entry, closed bool) {
	t.Helper()
	var plain []byte
	for _, e := range batch {
		plain = appendLine(plain, e.Line())
	}
	out, ext := plain, extOpen
	if closed {
		var b bytes.Buffer
		s, err := newSealer(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.run(bytes.NewReader(plain), int64(len(plain)), func() bool { return false }); err != nil {
			t.Fatal(err)
		}
		out, ext = b.Bytes(), extClosed
	}
	// At once: a journal that looks meanwhile would adopt what is there of it.
	whole := filepath.Join(t.TempDir(), "whole")
	err := os.WriteFile(whole, out, 0o600)
	if err == nil {
		err = os.Rename(whole, filepath.Join(dir, base+ext))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// noise is text that does not compress.
func noise(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"[r.IntN(64)]
	}
	return string(b)
}

// Whatever was merged, a sink that begins with the oldest gets the entries of each
// process in their order: with large files between the small ones, damaged ones, several
// processes at a time, and clocks that were set back.
func TestMergeKeepsTheOrder(t *testing.T) {
	const file = 128 << 10
	merged := int64(0)
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		n := 0
		want := make(map[string][]string) // insertIds by process
		now := testStart
		alive := make([]int, 3) // numbers of the processes that write at the same time
		put := func(rnd uint32, seq int, closed, damaged bool) {
			batch := make([]*entry.Entry, 1+r.IntN(2))
			message := strings.Repeat("x", r.IntN(100))
			if r.IntN(25) == 0 {
				message = noise(r, file/32)
			}
			for i := range batch {
				batch[i] = makeEntry(t, fmt.Sprintf("process-%08x", rnd), n, message)
				n++
			}
			base := newBase("web", now, rnd, seq)
			putFile(t, dir, base, batch, closed)
			if damaged {
				path := filepath.Join(dir, base+extClosed)
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				b[20] ^= 1 // in its only block
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			id := fmt.Sprintf("process-%08x", rnd)
			want[id] = append(want[id], insertIDs(batch)...)
		}
		for round := range 120 {
			now = now.Add(time.Duration(r.IntN(3)) * time.Second)
			if seed%2 == 1 && r.IntN(20) == 0 {
				now = now.Add(-time.Minute)
			}
			for p := range alive {
				if r.IntN(2) == 0 {
					alive[p]++
					put(uint32(p+1), alive[p], true, r.IntN(50) == 0)
				}
			}
			if seed%4 > 1 { // and one that is restarted again and again
				put(uint32(1000+round), 1, true, r.IntN(50) == 0)
				if r.IntN(5) == 0 {
					put(uint32(1000+round), 2, true, false)
				}
			}
		}
		for p := range alive {
			put(uint32(p+1), alive[p]+1, false, false)
		}
		j := stillJournal(t, dir, &Options{MaxFileBytes: file, OnError: func(error) {}})
		j.mergeSmall()
		j.keep.merged = time.Time{}
		j.mergeSmall() // what is merged already must not be in the way
		merged += j.Stats().Merged

		f := attachTest(t, spoolTest(t, dir, &SpoolOptions{Name: "web", OnError: func(error) {}}), "cloud")
		got := make(map[string][]string)
		for {
			if b, err := f.Look(context.Background()); err != nil || b.Entries == 0 {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			_, b := nextTest(t, f, 50)
			for _, e := range b.Entries {
				got[string(e.TxID)] = append(got[string(e.TxID)], e.InsertID)
			}
			if err := f.Commit(context.Background(), 50); err != nil {
				t.Fatal(err)
			}
		}
		closeTest(t, f)
		for id, ids := range want {
			if !slices.Equal(got[id], ids) {
				t.Fatalf("seed %d: %s: %d entries, want %d in their order:\n%v\nwant\n%v", seed, id, len(got[id]), len(ids), got[id], ids)
			}
		}
	}
	if merged < 600 {
		t.Errorf("%d files merged: too few to tell", merged)
	}
	t.Logf("%d files merged", merged)
}

// What can not be merged is told of once, not with every look.
func TestMergeTellsOnce(t *testing.T) {
	dir := t.TempDir()
	crashLoop(t, dir, 40)
	for _, name := range names(t, dir, extClosed)[:39] {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[20] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	now := testStart
	j := stillJournal(t, dir, &Options{Now: func() time.Time { return now }, OnError: func(err error) { told = append(told, err.Error()) }})
	for range 4 {
		j.mergeSmall()
		now = now.Add(2 * tidyEvery)
	}
	if len(told) != 39 || j.Stats().Merged != 0 {
		t.Errorf("told %d times, want once for each of 39 files; %d merged: %v", len(told), j.Stats().Merged, told)
	}
}
