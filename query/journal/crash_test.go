package journalquery_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// What a dead process was serving is in the answer before any other process has looked
// after it, and once when one has.
func TestTheDeadAreInTheStory(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	dying, err := journalsink.Open(other, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dying.Close(context.Background()) }()
	list, err := dying.InFlight(&journalsink.InFlightOptions{Resource: &entry.Resource{Service: "core"}, OnDisk: true})
	if errors.Is(err, journalsink.ErrInFlight) {
		t.Skip("SKIPPED: no list of requests in flight on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	list.Begin(sink.InFlightRequest{ID: "scenario-1", Span: 2, Parent: 1, Method: "POST", Path: "/charge", Start: start})
	// A copy of its file, which nobody holds the lock of, is what it leaves when it is
	// killed.
	files, _ := filepath.Glob(filepath.Join(other, ".inflight-*"))
	if len(files) != 1 {
		t.Fatalf("%d lists", len(files))
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(files[0])), b, 0o600); err != nil {
		t.Fatal(err)
	}

	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		r, err := src.Find(context.Background(), query.Filter{Kinds: []entry.Kind{entry.KindCrash}, Since: start.Add(-time.Second)})
		if err != nil || len(r.Entries) != 1 || r.Entries[0].Resource.Service != "core" {
			t.Errorf("%s: Find gives %+v, %v", when, r, err)
		}
		if r, err := src.Find(context.Background(), query.Filter{Since: start.Add(time.Hour)}); err != nil || len(r.Entries) != 0 {
			t.Errorf("%s: later: %+v, %v", when, r, err)
		}
		found, err := query.Load(context.Background(), src, "scenario-1")
		if err != nil || len(found.Stories) != 1 || len(found.Stories[0].Entries) != 1 {
			t.Fatalf("%s: %+v, %v", when, found, err)
		}
		s := found.Stories[0]
		notes := ""
		for _, n := range s.Rows[0].Notes {
			notes += n.Text(query.English) + "\n"
		}
		if want := "the core process died while serving this"; !strings.Contains(notes, want) {
			t.Errorf("%s: the notes are %q, want %q", when, notes, want)
		}
		if got := s.Sentence(query.English); !strings.Contains(got, "the process died") {
			t.Errorf("%s: %q", when, got)
		}
	}
	check("as it was left")
	j, err := journalsink.Open(dir, &journalsink.Options{OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	for deadline := time.Now().Add(10 * time.Second); j.Stats().Crashed == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody looks after the dead")
		}
	}
	check("written down")
}
