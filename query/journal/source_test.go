package journalquery_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/query/querytest"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJournalKeepsTheLaw(t *testing.T) {
	querytest.Run(t, func(t *testing.T) querytest.Harness {
		dir := t.TempDir()
		j, err := journalsink.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close(context.Background()) })
		src, err := journalquery.Open(dir, &journalquery.Options{Poll: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return querytest.Harness{Source: src, Write: func(es ...*entry.Entry) error {
			return j.Write(context.Background(), es)
		}}
	})
}

// The same holds when all is in closed files, which are read by index and columns.
func TestClosedJournalKeepsTheLaw(t *testing.T) {
	querytest.Run(t, func(t *testing.T) querytest.Harness {
		dir := t.TempDir()
		src, err := journalquery.Open(dir, &journalquery.Options{Poll: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return querytest.Harness{Source: src, Write: func(es ...*entry.Entry) error {
			j, err := journalsink.Open(dir, nil)
			if err != nil {
				return err
			}
			return errors.Join(j.Write(context.Background(), es), j.Close(context.Background()))
		}}
	})
}

// closed fills a folder and closes its writer.
func closed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write(context.Background(), querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestClosedFilesAreRead(t *testing.T) {
	src, err := journalquery.Open(closed(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := query.Load(context.Background(), src, string(querytest.SampleID[:8]))
	if err != nil || len(f.Stories) != 1 || f.Result.Partial() {
		t.Fatalf("got %+v, %v", f, err)
	}
	if got := len(f.Stories[0].Entries); got != len(querytest.Sample()) {
		t.Errorf("%d entries, want %d", got, len(querytest.Sample()))
	}
}

func TestDamageMakesTheAnswerPartial(t *testing.T) {
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	if err := j.Write(context.Background(), querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if len(names) != 1 {
		t.Fatalf("open files: %v", names)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(b), "/api/cart")
	b[i+1] ^= 1
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Lookup(context.Background(), string(querytest.SampleID))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Partial() || len(r.Entries) != len(querytest.Sample())-1 {
		t.Errorf("%d entries, warnings %v; want one less and a warning", len(r.Entries), r.Warnings)
	}
	if w := r.Warnings; len(w) > 0 && (!errors.Is(w[0].Err, journalsink.ErrLine) || !strings.Contains(w[0].String(), filepath.Base(names[0]))) {
		t.Errorf("the warning does not say where: %v", w[0])
	}
}

func TestAnUnfinishedLineIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	if err := j.Write(context.Background(), querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	f, err := os.OpenFile(names[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(`{"time":"2026-11-20T10:04:`)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Find(context.Background(), query.Filter{})
	if err != nil || r.Partial() || len(r.Entries) != len(querytest.Sample()) {
		t.Errorf("%d entries, warnings %v, error %v", len(r.Entries), r.Warnings, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := journalquery.Open(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder gives %v", err)
	}
	if _, err := journalquery.Open(t.TempDir(), &journalquery.Options{Poll: -1}); !errors.Is(err, journalquery.ErrOptions) {
		t.Errorf("a negative Poll gives %v", err)
	}
}

func TestAFolderThatGoesAwayIsAnError(t *testing.T) {
	dir := closed(t)
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if r, err := src.Lookup(context.Background(), "0197"); err == nil {
		t.Errorf("got %+v, want an error", r)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	j, _ := journalsink.Open(dir, nil) // the services' side
	_ = j.Write(context.Background(), querytest.Sample())
	_ = j.Close(context.Background())

	src, err := journalquery.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := query.Load(context.Background(), src, "0197a3c2")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range found.Stories {
		fmt.Println(s.Sentence(query.English))
	}
	// Output:
	// POST /api/pay failed: web → core POST /v1/charge timed out after 1.5 s waiting for response headers, retry refused
}
