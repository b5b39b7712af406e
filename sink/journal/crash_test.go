package journalsink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/blackbox"
)

// leaveDeadOf is leaveDead of a process that wrote under a name.
func leaveDeadOf(t *testing.T, dir, name, service string, n int) {
	t.Helper()
	home := t.TempDir()
	j := openTest(t, home, &Options{Name: name})
	l := startFlight(t, j, &InFlightOptions{Resource: &entry.Resource{Service: service, PID: 42}, Slots: n, OnDisk: true})
	for i := range n {
		l.Begin(flightRequest(i))
	}
	for _, file := range flightFiles(t, home) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func crashIDs(t *testing.T, dir string) []string {
	t.Helper()
	var ids []string
	for _, e := range scanAll(t, dir) {
		if e.Kind == entry.KindCrash {
			ids = append(ids, e.InsertID)
		}
	}
	slices.Sort(ids)
	return ids
}

func scanAll(t *testing.T, dir string) (all []*entry.Entry) {
	t.Helper()
	for e, err := range readerTest(t, dir).Scan(context.Background(), ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// Services that share a folder do not adopt each other's crash entries into their own
// files: those go where the dead one's entries go.
func TestTheDeadKeepTheirName(t *testing.T) {
	dir := t.TempDir()
	leaveDeadOf(t, dir, "a", "service a", 3)
	j := openTest(t, dir, &Options{Name: "b"})
	waitFor(t, func() bool { return len(flightFiles(t, dir)) == 0 })
	if s := j.Stats(); s.Crashed != 3 || s.Entries != 0 {
		t.Errorf("%+v", s)
	}
	for name, want := range map[string]int{"a": 3, "b": 0} {
		f := attachTest(t, spoolTest(t, dir, &SpoolOptions{Name: name}), "cloud")
		if got := drain(t, f, 10); len(got) != want {
			t.Errorf("%s ships %v, want %d", name, got, want)
		}
		closeTest(t, f)
	}
}

// AdoptCrashed does it without a journal, once, and leaves the living alone.
func TestAdoptCrashed(t *testing.T) {
	dir := t.TempDir()
	living, err := blackbox.Create(dir, 4, nil, "living", 0o600, blackbox.InFolder)
	if errors.Is(err, blackbox.ErrUnsupported) {
		t.Skip("SKIPPED: no list of requests in flight on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = living.Close() }()
	slot := living.Begin(flightRequest(9))
	defer slot.End()
	if n, err := AdoptCrashed(dir, nil); n != 0 || err != nil || len(flightFiles(t, dir)) != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	leaveDeadOf(t, dir, "a", "service a", 2)
	var l told
	if n, err := AdoptCrashed(dir, &Options{OnError: l.add}); n != 2 || err != nil || !l.is(ErrCrashed) {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := AdoptCrashed(dir, nil); n != 0 || err != nil || len(flightFiles(t, dir)) != 1 {
		t.Fatalf("again: %d, %v", n, err)
	}
	if got := crashIDs(t, dir); len(got) != 2 {
		t.Errorf("%v", got)
	}
	names, err := Writers(dir)
	if err != nil || !slices.Contains(names, "a") {
		t.Errorf("%v, %v", names, err)
	}
	f := attachTest(t, spoolTest(t, dir, &SpoolOptions{Name: "a"}), "cloud")
	if got := drain(t, f, 10); len(got) != 2 {
		t.Errorf("%v", got)
	}
	closeTest(t, f)
	if _, err := AdoptCrashed(filepath.Join(dir, "none"), nil); !errors.Is(err, ErrFolder) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
