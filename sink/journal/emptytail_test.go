package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func appendTest(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	closeTest(t, f)
}

// An open file that ends with empty lines is shipped whole when its entries are, for a
// Flush of the process that ships and for one of another process.
func TestFlushEmptyTail(t *testing.T) {
	for name, tt := range map[string]struct {
		batch   int
		flushed bool // before the empty lines come
	}{
		"from the start":         {batch: 500},
		"behind a full batch":    {batch: 5},
		"after all was shipped":  {batch: 500, flushed: true},
		"after it, full batches": {batch: 1, flushed: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			base := newBase("web", testStart, 1, 1)
			putFile(t, dir, base, makeBatch(t, 0, 5, 5), false)
			path := filepath.Join(dir, base+extOpen)
			s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1})
			mem := &sinktest.Memory{}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if !tt.flushed {
				appendTest(t, path, "\n\n")
			}
			h, err := sink.NewShip(s, mem, &sink.ShipOptions{
				Name: "cloud", MaxBatch: tt.batch, MaxAge: -1, Poll: time.Millisecond, OnError: func(error) {},
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := h.Flush(ctx); err != nil {
					t.Fatal(err)
				}
				appendTest(t, path, "\n")
			}
			m, err := s.Mark(ctx, "cloud")
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, m.Passed)
			if n := len(mem.Entries()); n != 5 {
				t.Errorf("delivered %d entries of 5", n)
			}
			if err := h.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is committed after the empty lines were passed does not go back before them.
func TestEmptyTailCommittedLater(t *testing.T) {
	dir := t.TempDir()
	first, second := newBase("web", testStart, 1, 1), newBase("web", testStart.Add(time.Second), 2, 1)
	putFile(t, dir, first, makeBatch(t, 0, 2, 5), false)
	putFile(t, dir, second, makeBatch(t, 10, 2, 5), false)
	s := spoolTest(t, dir, &SpoolOptions{Name: "web"})
	f := attachTest(t, s, "cloud")
	look(t, f)
	if ids, _ := nextTest(t, f, 4); len(ids) != 4 {
		t.Fatal(ids)
	}
	commit := func(n int) {
		t.Helper()
		if err := f.Commit(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	commit(2)
	appendTest(t, filepath.Join(dir, first+extOpen), "\n")
	look(t, f)
	m := f.Mark()
	if m.Passed() {
		t.Error("passed, and two entries are not committed")
	}
	commit(4)
	if !m.Passed() {
		t.Error("all is committed, and it is not passed")
	}
	look(t, f)
	if !f.Mark().Passed() {
		t.Error("nothing is waited for any more, and it is not passed")
	}
	closeTest(t, f)
	f = attachTest(t, s, "cloud")
	defer closeTest(t, f)
	if ids := drain(t, f, 4); len(ids) != 0 {
		t.Errorf("come again: %v", ids)
	}
}
