package blackbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

var resource = &entry.Resource{Service: "web", Version: "7", Instance: "web-1", PID: 42}

func create(t testing.TB, slots int) *Table {
	t.Helper()
	table, err := Create(t.TempDir(), slots, resource, "web", 0o600, InFolder)
	if errors.Is(err, ErrUnsupported) {
		t.Skip("SKIPPED: no tables on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// die ends a table as the death of its process does: the lock goes with the last of
// descriptor and mapping, the file stays.
func die(t testing.TB, table *Table) {
	t.Helper()
	if err := unmap(table.mem); err != nil {
		t.Fatal(err)
	}
	if err := table.file.Close(); err != nil {
		t.Fatal(err)
	}
}

func request(i int) sink.InFlightRequest {
	return sink.InFlightRequest{
		ID: txid.ID(fmt.Sprintf("transaction-%06d", i)), Span: txid.SpanID(i + 1), Parent: 9,
		Method: "POST", Path: "/api/orders", Start: time.Unix(1_800_000_000, int64(i)).UTC(),
	}
}

func TestTheDeadAreRead(t *testing.T) {
	table := create(t, 8)
	var slots []sink.InFlightSlot
	for i := range 5 {
		slots = append(slots, table.Begin(request(i)))
	}
	slots[1].End()
	slots[2].SetRoute("/api/orders/{id}")
	slots[3].End()
	again := request(10)
	again.Stream, again.Route, again.Method = true, "/chat", "GET"
	table.Begin(again) // in the place of 3
	table.Beat(request(0).Start.Add(3 * time.Second))

	live, err := Read(table.Path())
	if err != nil || !live.Alive || len(live.Requests) != 4 {
		t.Fatalf("%+v, %v", live, err)
	}
	if _, err := Adopt(table.Path()); !errors.Is(err, ErrAlive) {
		t.Fatalf("a living process's table was adopted: %v", err)
	}
	die(t, table)
	peeked, err := Read(table.Path())
	if err != nil || peeked.Alive {
		t.Fatalf("%+v, %v", peeked, err)
	}
	dead, err := Adopt(table.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(table.Path()); !errors.Is(err, ErrAlive) {
		t.Errorf("it was adopted twice: %v", err)
	}
	entries := dead.Entries()
	var got []string
	for _, e := range entries {
		if err := e.Seal(nil); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %s %s | %s", e.Kind, e.TxID, e.Span, e.Parent, e.HTTP.URL, e.HTTP.Route, e.Message))
	}
	want := []string{
		"crash transaction-000000 0000000000000001 0000000000000009 /api/orders  | POST /api/orders: the process died while serving this",
		"crash transaction-000002 0000000000000003 0000000000000009 /api/orders /api/orders/{id} | POST /api/orders/{id}: the process died while serving this",
		"crash transaction-000010 000000000000000b 0000000000000009 /api/orders /chat | GET /chat: the process died with this connection open",
		"crash transaction-000004 0000000000000005 0000000000000009 /api/orders  | POST /api/orders: the process died while serving this",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if e := entries[0]; e.Resource == nil || e.Resource.Service != "web" || e.Resource.PID != 42 || e.Latency != 3*time.Second || !e.Time.Equal(request(0).Start) {
		t.Errorf("%+v, %+v", e, e.Resource)
	}
	seen := map[string]bool{}
	for i, e := range peeked.Entries() {
		if e.InsertID != entries[i].InsertID || seen[e.InsertID] {
			t.Errorf("InsertID %s, and %s for who only looked", entries[i].InsertID, e.InsertID)
		}
		seen[e.InsertID] = true
	}
	if err := dead.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(table.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

// A process that ends in order leaves nothing behind, but for what it never finished.
func TestClose(t *testing.T) {
	table := create(t, 4)
	slot := table.Begin(request(1))
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if table.Begin(request(2)) != nil || table.Missed() != 1 {
		t.Error("a request was listed after Close")
	}
	if _, err := os.Stat(table.Path()); err != nil {
		t.Errorf("the file went before the request: %v", err)
	}
	slot.SetRoute("/late")
	slot.End()
	slot.End() // once too often
	slot.SetRoute("/later")
	table.Beat(time.Now())
	if _, err := os.Stat(table.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if err := table.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestFull(t *testing.T) {
	table := create(t, 3)
	var slots []sink.InFlightSlot
	for i := range 3 {
		slots = append(slots, table.Begin(request(i)))
	}
	if s := table.Begin(request(3)); s != nil || table.Missed() != 1 {
		t.Errorf("a fourth request has a slot of three: %v, %d missed", s, table.Missed())
	}
	slots[1].End()
	if table.Begin(request(4)) == nil {
		t.Error("no slot although one was given back")
	}
	if table.Used() != 3 {
		t.Errorf("%d used", table.Used())
	}
}

// What somebody cuts short, or a disk that fails, turns the table off. It neither
// kills the process nor disturbs a request.
func TestFault(t *testing.T) {
	table := create(t, 100)
	first := table.Begin(request(0))
	if err := os.Truncate(table.Path(), 0); err != nil {
		t.Fatal(err)
	}
	if s := table.Begin(request(1)); s != nil || !table.Broken() {
		t.Errorf("listed in a file that has no bytes: %v", s)
	}
	first.SetRoute("/x")
	first.End()
	table.Beat(time.Now())
	if table.Begin(request(2)) != nil || table.Named() {
		t.Error("a broken table goes on")
	}
	if err := table.Close(); err != nil {
		t.Error(err)
	}
}

// The fault is met first by an End, SetRoute or Beat.
func TestFaultLater(t *testing.T) {
	for name, use := range map[string]func(*Table, sink.InFlightSlot){
		"End":      func(_ *Table, s sink.InFlightSlot) { s.End() },
		"SetRoute": func(_ *Table, s sink.InFlightSlot) { s.SetRoute("/x") },
		"Beat":     func(t *Table, _ sink.InFlightSlot) { t.Beat(time.Now()) },
	} {
		table := create(t, 100)
		s := table.Begin(request(0))
		if err := os.Truncate(table.Path(), 0); err != nil {
			t.Fatal(err)
		}
		use(table, s)
		if !table.Broken() {
			t.Errorf("%s: the fault went unnoticed", name)
		}
		s.End()
		if err := table.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamed(t *testing.T) {
	table := create(t, 1)
	if !table.Named() {
		t.Error("a new table has no name")
	}
	if err := os.Remove(table.Path()); err != nil {
		t.Fatal(err)
	}
	if table.Named() {
		t.Error("it has one although it was removed")
	}
	if s := table.Begin(request(0)); s == nil {
		t.Error("the mapping ended with the name")
	} else {
		s.End()
	}
	if err := table.Close(); err != nil {
		t.Error(err)
	}
}

// Many use the table at once, while it is read. No slot is given to two.
func TestConcurrent(t *testing.T) {
	table := create(t, 32)
	var users sync.WaitGroup
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			found, err := Read(table.Path())
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range found.Requests {
				// The text belongs to the number: a slot is whole or not in use. A use
				// that overlaps the reading fails its check.
				if want := request(int(r.Span) - 1); r.ID != want.ID || r.Method != want.Method {
					t.Errorf("listed %+v, want %+v", r.InFlightRequest, want)
					return
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	var holders [32]sync.Mutex
	for u := range 8 {
		users.Go(func() {
			for i := range 2000 {
				s := table.Begin(request(u*2000 + i))
				if s == nil {
					t.Error("no slot for one of 8")
					return
				}
				n := s.(*slot).number - 1
				if !holders[n].TryLock() {
					t.Error("a slot was given to two")
					return
				}
				if i%3 == 0 {
					s.SetRoute("/api/orders/{id}")
				}
				holders[n].Unlock()
				s.End()
			}
		})
	}
	users.Wait()
	close(stop)
	reader.Wait()
	if table.Used() != 0 || table.Missed() != 0 {
		t.Errorf("%d used, %d missed", table.Used(), table.Missed())
	}
	die(t, table)
	dead, err := Adopt(table.Path())
	if err != nil || len(dead.Requests) != 0 {
		t.Errorf("%+v, %v", dead, err)
	}
	dead.Remove()
}

func TestCreateErrors(t *testing.T) {
	table := create(t, 1)
	defer table.Close()
	for _, slots := range []int{-1, 0, MaxSlots + 1} {
		if _, err := Create(t.TempDir(), slots, nil, "web", 0o600, InMemory); err == nil {
			t.Errorf("%d slots: no error", slots)
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "none"), 1, nil, "web", 0o600, InMemory); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// A resource that is too long for the header loses its attributes, then everything.
func TestLongResource(t *testing.T) {
	long := strings.Repeat("x", headerSize)
	for name, r := range map[string]*entry.Resource{
		"attributes": {Service: "web", Attributes: []entry.Label{{Name: "a", Value: long}}},
		"all":        {Service: long},
		"nil":        nil,
	} {
		table, err := Create(t.TempDir(), 1, r, "web", 0o600, InMemory)
		if errors.Is(err, ErrUnsupported) {
			t.Skip("SKIPPED: no tables on this system")
		}
		if err != nil {
			t.Fatal(err)
		}
		found, err := Read(table.Path())
		if err != nil {
			t.Fatal(err)
		}
		if got := found.Resource != nil && found.Resource.Service == "web"; got != (name == "attributes") {
			t.Errorf("%s: resource %+v", name, found.Resource)
		}
		table.Close()
	}
}

// One of an exotic length is listed by what fits.
func TestLongTexts(t *testing.T) {
	table := create(t, 8)
	long := request(0)
	long.ID = txid.ID(strings.Repeat("a", txid.MaxLen))
	tooLong := request(1)
	tooLong.ID, tooLong.Method, tooLong.Route = long.ID+"x", strings.Repeat("M", 17), "/"+strings.Repeat("r/", 100)
	table.Begin(long)
	table.Begin(tooLong)
	die(t, table)
	found, err := Read(table.Path())
	if err != nil || len(found.Requests) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for i, want := range []sink.InFlightRequest{
		{ID: long.ID, Span: 1, Parent: 9, Start: long.Start},
		{Span: 2, Parent: 9, Start: tooLong.Start, Path: "/api/orders"},
	} {
		if diff := cmp.Diff(want, found.Requests[i].InFlightRequest); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
