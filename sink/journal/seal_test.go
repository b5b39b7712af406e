package journalsink

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// names returns the names in dir that end in ext.
func names(t testing.TB, dir, ext string) []string {
	t.Helper()
	items, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, item := range items {
		if strings.HasSuffix(item.Name(), ext) {
			out = append(out, item.Name())
		}
	}
	return out
}

func TestCloseCompresses(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{Name: "Web-Shop"})
	batch := makeBatch(t, 0, 3000, 100)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if open := names(t, dir, extOpen); len(open) != 0 {
		t.Errorf("still there: %v", open)
	}
	closed := names(t, dir, extClosed)
	if len(closed) != 1 || !strings.HasPrefix(closed[0], "web-shop-2") {
		t.Fatalf("closed files %v", closed)
	}
	r := readerTest(t, dir)
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
		t.Errorf("scan (-want +got)\n%s", diff)
	}
	for _, prefix := range []string{"txid-000000", "txid-000099", "txid-00004", "t"} {
		want := 0
		for _, e := range batch {
			if strings.HasPrefix(string(e.TxID), prefix) {
				want++
			}
		}
		if got := lookupIDs(t, r, prefix); len(got) != want {
			t.Errorf("lookup %q found %d, want %d", prefix, len(got), want)
		}
	}
	for _, prefix := range []string{"txid-000100", "txid-0000000", "s", "u", "txid-000000000"} {
		if got := lookupIDs(t, r, prefix); len(got) != 0 {
			t.Errorf("lookup %q found %d, want none", prefix, len(got))
		}
	}
	s := j.Stats()
	if s.Sealed != 1 || s.SealedPlain != s.Bytes || s.SealedBytes == 0 || s.Entries != 3000 {
		t.Errorf("stats %+v", s)
	}
	cov, err := r.Coverage(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := Coverage{Files: 1, Bytes: s.SealedBytes, From: testStart, To: testStart.Add(2999 * time.Millisecond)}
	if diff := cmp.Diff(want, cov); diff != "" {
		t.Errorf("coverage (-want +got)\n%s", diff)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestEmptyFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := names(t, dir, ""); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The files are readable without us.
func TestPlainTools(t *testing.T) {
	for _, tool := range []string{"zstdcat", "jq", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed, and CI may not skip this test", tool)
			}
			t.Skipf("SKIPPED: %s is not installed", tool)
		}
	}
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	if err := j.Write(context.Background(), makeBatch(t, 0, 2000, 10)); err != nil {
		t.Fatal(err)
	}
	count := func(cat, ext string) {
		t.Helper()
		files := names(t, dir, ext)
		if len(files) != 1 {
			t.Fatalf("%s files: %v", ext, files)
		}
		// pipefail is not in every sh: both commands are looked at.
		path := filepath.Join(dir, files[0])
		out, err := exec.Command("sh", "-c", cat+` "$0" > "$0.out" && jq -c .kind < "$0.out" | wc -l`, path).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "2000" {
			t.Errorf("%s: %v: %s", cat, err, out)
		}
		if err := os.Remove(path + ".out"); err != nil {
			t.Error(err)
		}
	}
	count("cat", extOpen)
	// A torn line in the open file must not be in the closed one's way.
	j.mu.Lock()
	if _, err := j.cur.f.Write([]byte(`{"time":"2026`)); err != nil {
		t.Error(err)
	}
	j.mu.Unlock()
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	count("zstdcat", extClosed)
	if got := j.Stats().DamagedLines; got != 1 {
		t.Errorf("%d damaged lines counted, want 1", got)
	}
}

// An offset in the open file holds in the closed one, damage or not.
func TestOffsetsSurviveClosing(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 20, 3)
	if err := j.Write(context.Background(), batch[:10]); err != nil {
		t.Fatal(err)
	}
	j.mu.Lock()
	if _, err := j.cur.f.Write([]byte("torn\n{}\n\n")); err != nil {
		t.Error(err)
	}
	half, err := j.cur.f.Size()
	if err != nil {
		t.Error(err)
	}
	base := j.cur.base
	j.mu.Unlock()
	if err := j.Write(context.Background(), batch[10:]); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	r := readerTest(t, dir)
	b, _, _ := splitName(base + extClosed)
	var got []string
	end, err := r.walk(context.Background(), &listed{baseName: b, closed: true}, &query{}, half, func(e *entry.Entry) bool {
		got = append(got, e.InsertID)
		return true
	})
	if err != nil || end != j.Stats().SealedPlain {
		t.Errorf("end %d, error %v, want %d", end, err, j.Stats().SealedPlain)
	}
	if diff := cmp.Diff(insertIDs(batch[10:]), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	cov, err := r.Coverage(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(cov.Damaged) != 1 || cov.Damaged[0].Lines != 2 {
		t.Errorf("damage %v, want two lines recorded", cov.Damaged)
	}
}

func TestScanRange(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 100 << 10})
	batch := makeBatch(t, 0, 2000, 10)
	for i := 0; i < len(batch); i += 100 {
		if err := j.Write(context.Background(), batch[i:i+100]); err != nil {
			t.Fatal(err)
		}
	}
	r := readerTest(t, dir)
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * time.Millisecond) }
	for _, closed := range []bool{false, true} {
		if closed {
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			since, until time.Time
			want         int
		}{
			{at(500), at(1500), 1000},
			{time.Time{}, at(1), 1},
			{at(1999), time.Time{}, 1},
			{at(2000), time.Time{}, 0},
			{time.Time{}, at(0), 0},
			{time.Unix(-1<<60, 0), time.Unix(1<<60, 0), 2000},
		} {
			for _, newest := range []bool{false, true} {
				got := 0
				for e, err := range r.Scan(context.Background(), ScanOptions{Since: c.since, Until: c.until, Newest: newest}) {
					if err != nil {
						t.Fatal(err)
					}
					if got == 0 && newest && c.want > 1000 && e.InsertID == "i00000000" {
						t.Error("the oldest came first")
					}
					got++
				}
				if got != c.want {
					t.Errorf("closed %v: %v to %v: %d entries, want %d", closed, c.since, c.until, got, c.want)
				}
			}
		}
	}
}
