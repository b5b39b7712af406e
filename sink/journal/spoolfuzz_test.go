package journalsink

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// A cursor that can be read is written as it was; none makes the reader panic.
func FuzzCursor(f *testing.F) {
	for _, c := range []shipCursor{
		{Version: 1, Sink: "cloud", Writer: "web"},
		{
			Version: 1, Sink: "클라우드", Writer: "web", Time: testStart, Again: 7, Done: map[string]int64{"1a2b3c4d": 6},
			At: map[string]place{"web-20261120T112838-1a2b3c4d-000007": {Offset: 12, Settled: 1, Known: 3}},
		},
	} {
		b, err := c.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:len(b)-crcLen-1])
	}
	f.Add([]byte(`{"version":1,"at":{"-20261120T112838-1a2b3c4d-000007":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseCursor(b)
		c, err := parseCursor(appendLine(nil, append(bytes.Clone(b), '}')))
		if err != nil {
			return
		}
		again, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		same, err := parseCursor(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if diff := cmp.Diff(c, same, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// Whatever is in a file and in the cursor, the shipping comes to an end, and has every
// line whose checksum is right behind the place where it began.
func FuzzFeed(f *testing.F) {
	good := appendLine(nil, []byte(`{"time":"2026-11-20T11:28:38.000000000Z","insertId":"a","kind":"log"}`))
	f.Add(bytes.Repeat(good, 3), int64(len(good)), false)
	f.Add(append(append(bytes.Clone(good), "\n\n torn"...), good...), int64(3), false)
	f.Add([]byte("\n"), int64(1), true)
	f.Add(good[:len(good)-1], int64(1<<40), true)
	f.Fuzz(func(t *testing.T, b []byte, offset int64, closed bool) {
		if len(b) > 1<<20 || offset < 0 {
			return
		}
		dir := t.TempDir()
		base := "web-20261120T112838-1a2b3c4d-000001"
		name := base + extOpen
		if closed {
			name = base + extClosed
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		c := shipCursor{Version: 1, Sink: "cloud", Writer: "web", At: map[string]place{base: {Offset: offset}}}
		folder := shipFolder("cloud")
		if err := os.MkdirAll(filepath.Join(dir, shipDir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(shipPath(dir, folder, "web"+extCursor), out, 0o600); err != nil {
			t.Fatal(err)
		}
		s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, OnError: func(error) {}})
		feed := attachTest(t, s, "cloud")
		batch := sink.SpoolBatch{MaxEntries: 3, MaxBytes: 1 << 20}
		got := 0
		for round := 0; ; round++ {
			look, err := feed.Look(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if look.Entries == 0 {
				break
			}
			if round > len(b)+3 {
				t.Fatalf("%d entries still wait after %d rounds", look.Entries, round)
			}
			batch.Entries, batch.Damaged = batch.Entries[:0], 0
			if err := feed.Next(context.Background(), &batch); err != nil {
				t.Fatal(err)
			}
			got += len(batch.Entries)
			if err := feed.Commit(context.Background(), len(batch.Entries)); err != nil {
				t.Fatal(err)
			}
			if closed && len(batch.Entries) == 0 && batch.Damaged == 0 {
				break // it may hold what nobody can read
			}
		}
		closeTest(t, feed)
		if closed {
			return
		}
		from := offset
		if from > int64(len(b)) || from > 0 && b[from-1] != '\n' {
			from = 0
		}
		want := 0
		for line := range bytes.Lines(b[from:]) {
			if !bytes.HasSuffix(line, newline) {
				break
			}
			if line, err := stripLine(bytes.Clone(line[:len(line)-1])); err == nil && parses(line) {
				want++
			}
		}
		if got != want {
			t.Errorf("%d entries, want %d", got, want)
		}
	})
}

func parses(line []byte) bool {
	_, err := entry.Parse(line)
	return err == nil
}
