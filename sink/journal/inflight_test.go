package journalsink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

func flightRequest(i int) sink.InFlightRequest {
	return sink.InFlightRequest{
		ID: txid.ID(fmt.Sprintf("transaction-%06d", i)), Span: txid.SpanID(i + 1),
		Method: "GET", Path: "/api/orders", Start: time.Unix(1_800_000_000, int64(i)),
	}
}

func startFlight(t *testing.T, j *Journal, opts *InFlightOptions) sink.InFlight {
	t.Helper()
	l, err := j.InFlight(opts)
	if errors.Is(err, ErrInFlight) {
		t.Skip("SKIPPED: no list of requests in flight on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func flightFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, ".inflight-*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// leaveDead puts into dir what a process leaves that is killed while it serves n
// requests: a copy of a list, which nobody holds the lock of.
func leaveDead(t *testing.T, dir string, n int) {
	t.Helper()
	home := t.TempDir()
	j := openTest(t, home, nil)
	l := startFlight(t, j, &InFlightOptions{Resource: &entry.Resource{Service: "web", PID: 42}, Slots: max(n, 1), OnDisk: true})
	for i := range n {
		l.Begin(flightRequest(i))
	}
	for _, file := range flightFiles(t, home) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// At once: a journal that looks meanwhile would take an empty one away.
		whole := filepath.Join(home, "whole")
		err = os.WriteFile(whole, b, 0o600)
		if err == nil {
			err = os.Rename(whole, filepath.Join(dir, filepath.Base(file)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// collect is a sink for OnError.
type told struct {
	mu   sync.Mutex
	errs []error
}

func (l *told) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *told) is(target error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.errs, func(err error) bool { return errors.Is(err, target) })
}

// What the dead were doing is in the folder once, whoever and how many take care of
// it, and the lists are gone.
func TestTheDeadAreAdopted(t *testing.T) {
	dir := t.TempDir()
	leaveDead(t, dir, 3)
	leaveDead(t, dir, 0)
	r := readerTest(t, dir)
	lists, err := r.InFlight()
	if err != nil || len(lists) != 2 {
		t.Fatalf("%+v, %v", lists, err)
	}
	var early []string
	for _, l := range lists {
		if l.Alive || l.Resource.Service != "web" {
			t.Errorf("%+v", l)
		}
		early = append(early, insertIDs(l.Crashed)...)
	}
	log := &told{}
	var journals []*Journal
	for range 3 {
		journals = append(journals, openTest(t, dir, &Options{OnError: log.add}))
	}
	waitFor(t, func() bool { return len(flightFiles(t, dir)) == 0 })
	got := scanIDs(t, r)
	slices.Sort(early)
	slices.Sort(got)
	if diff := cmp.Diff(early, got); diff != "" {
		t.Errorf("what a reader shows before, and what is written (-want +got)\n%s", diff)
	}
	var sum int64
	for _, j := range journals {
		sum += j.Stats().Crashed
	}
	if sum != 3 || !log.is(ErrCrashed) {
		t.Errorf("%d counted, told %v", sum, log.errs)
	}
	for e, err := range r.Lookup(context.Background(), "transaction-000002") {
		if err != nil || e.Kind != entry.KindCrash || e.Resource.PID != 42 || e.Span != 3 || e.HTTP.URL != "/api/orders" {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

// While the disk is full the dead wait; nothing is taken away before it is written.
func TestTheDeadWaitForRoom(t *testing.T) {
	dir := t.TempDir()
	f := &faultFS{room: -1}
	log := &told{}
	j := openTest(t, dir, &Options{fs: f, OnError: log.add})
	waitFor(t, func() bool { return len(names(t, dir, extOpen)) == 1 })
	f.set(func(f *faultFS) { f.room, f.writeErr = 0, errors.New("no room") })
	leaveDead(t, dir, 2)
	j.adoptTables()
	if n := len(flightFiles(t, dir)); n != 1 || j.Stats().Crashed != 0 {
		t.Fatalf("%d files, stats %+v", n, j.Stats())
	}
	f.set(func(f *faultFS) { f.room = -1 })
	waitFor(t, func() bool { // the journal's own look at them may be under way
		j.adoptTables()
		return len(flightFiles(t, dir)) == 0
	})
	if s := j.Stats(); s.Crashed != 2 {
		t.Errorf("stats %+v", s)
	}
	if got := scanIDs(t, readerTest(t, dir)); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// A living process's list is left alone, and ends with it.
func TestInFlightOfTheLiving(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	l := startFlight(t, j, nil)
	if again, err := j.InFlight(&InFlightOptions{Slots: 7}); err != nil || again != l {
		t.Errorf("a second list: %v, %v", again, err)
	}
	slot := l.Begin(flightRequest(1))
	other := openTest(t, dir, nil)
	other.adoptTables()
	lists, err := readerTest(t, dir).InFlight()
	if err != nil || len(lists) != 1 || !lists[0].Alive || len(lists[0].Crashed) != 1 {
		t.Errorf("%+v, %v", lists, err)
	}
	if s := j.Stats(); s.InFlight != 1 || s.InFlightMissed != 0 || other.Stats().Crashed != 0 {
		t.Errorf("stats %+v", s)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(flightFiles(t, dir)); n != 1 {
		t.Errorf("the list went before its request: %d files", n)
	}
	slot.End()
	if n := len(flightFiles(t, dir)); n != 0 {
		t.Errorf("the list is still there: %d files", n)
	}
	if _, err := j.InFlight(nil); err != nil && !errors.Is(err, ErrInFlight) {
		t.Errorf("after Close: %v", err)
	}
	if l.Begin(flightRequest(2)) != nil {
		t.Error("a request was listed after Close")
	}
}

// A list whose file was removed, with the folder or alone, or has failed, begins anew.
func TestInFlightBeginsAnew(t *testing.T) {
	for name, harm := range map[string]func(file string) error{
		"removed": os.Remove,
		"cut":     func(file string) error { return os.Truncate(file, 0) },
		"folder":  func(file string) error { return os.RemoveAll(filepath.Dir(file)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			log := &told{}
			j := openTest(t, dir, &Options{OnError: log.add})
			l := startFlight(t, j, &InFlightOptions{OnDisk: true})
			old := l.Begin(flightRequest(1))
			if err := harm(flightFiles(t, dir)[0]); err != nil {
				t.Fatal(err)
			}
			if name == "cut" && l.Begin(flightRequest(2)) != nil {
				t.Error("listed in a file without bytes")
			}
			if name == "folder" { // a write makes it again
				if err := j.Write(context.Background(), makeBatch(t, 0, 1, 1)); err != nil {
					t.Fatal(err)
				}
			}
			j.keep.flight.Load().watch()
			if l.Begin(flightRequest(3)) == nil {
				t.Errorf("no new list; told %v", log.errs)
			}
			old.End()
			lists, err := readerTest(t, dir).InFlight()
			var ids []string
			for _, l := range lists {
				for _, e := range l.Crashed {
					ids = append(ids, string(e.TxID))
				}
			}
			if diff := cmp.Diff([]string{"transaction-000003"}, ids); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
			if name == "cut" && j.Stats().InFlightMissed != 1 {
				t.Errorf("stats %+v", j.Stats())
			}
		})
	}
}

// A list that can not be made is missed, not asked for in vain with every tick, and
// made when it can be.
func TestInFlightLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	log := &told{}
	j := openTest(t, dir, &Options{OnError: log.add})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	l := startFlight(t, j, nil)
	if l.Begin(flightRequest(1)) != nil || j.Stats().InFlightMissed != 1 || !log.is(os.ErrNotExist) {
		t.Errorf("stats %+v, told %v", j.Stats(), log.errs)
	}
	if err := j.Write(context.Background(), makeBatch(t, 0, 1, 1)); err != nil {
		t.Fatal(err)
	}
	j.keep.flight.Load().watch()
	slot := l.Begin(flightRequest(2))
	if slot == nil {
		t.Fatal("still no list")
	}
	slot.End()
}

// What is no list, or nobody can read, neither stops the others nor is opened by way of
// a link.
func TestHostileLists(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("important"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, ".inflight-0000000000000001")); err != nil {
		t.Skip("SKIPPED: no links here")
	}
	for name, content := range map[string]string{
		".inflight-0000000000000002": "", // being made, or left by one who died doing that
		".inflight-0000000000000003": strings.Repeat("x", 5000),
		".inflight-0000000000000004": "TXTRFLY9" + strings.Repeat("\x00", 5000), // a newer version
		".inflight-notours":          "x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leaveDead(t, dir, 1)
	log := &told{}
	j := openTest(t, dir, &Options{OnError: log.add})
	waitFor(t, func() bool { return j.Stats().Crashed == 1 })
	waitFor(t, func() bool { return len(flightFiles(t, dir)) == 3 })
	var left []string
	for _, f := range flightFiles(t, dir) {
		left = append(left, filepath.Base(f))
	}
	if diff := cmp.Diff([]string{".inflight-0000000000000001", ".inflight-0000000000000004", ".inflight-notours"}, left); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if b, err := os.ReadFile(victim); string(b) != "important" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := readerTest(t, dir).InFlight(); err != nil {
		t.Error(err)
	}
}

func TestInFlightOptions(t *testing.T) {
	j := openTest(t, t.TempDir(), nil)
	for _, n := range []int{-1, 1<<16 + 1} {
		if _, err := j.InFlight(&InFlightOptions{Slots: n}); !errors.Is(err, ErrOptions) {
			t.Errorf("%d slots: %v", n, err)
		}
	}
}

// OnError may ask the journal what it likes, and close it: nothing that it needs is held
// while it is told.
func TestInFlightTellsWithoutLocks(t *testing.T) {
	startFlight(t, openTest(t, t.TempDir(), nil), nil) // or it is skipped
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for name, use := range map[string]func(j *Journal){
		"Stats":    func(j *Journal) { _ = j.Stats() },
		"InFlight": func(j *Journal) { _, _ = j.InFlight(nil) },
		"Write":    func(j *Journal) { _ = j.Write(context.Background(), makeBatch(t, 0, 1, 1)) },
		"Close":    func(j *Journal) { _ = j.Close(done) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			var j *Journal
			var ready atomic.Bool
			var told atomic.Int64
			j = openTest(t, dir, &Options{SyncEvery: time.Hour, OnError: func(error) {
				if ready.Load() {
					told.Add(1)
					use(j)
				}
			}})
			ready.Store(true)
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			within(t, func() { startFlight(t, j, nil) })
			if told.Load() == 0 {
				t.Fatal("not a word of a list that can not be made")
			}
			if name == "Close" {
				return
			}
			within(t, func() { j.keep.flight.Load().watch() })
		})
	}
	t.Run("begun anew", func(t *testing.T) {
		var j *Journal
		told := make(chan struct{}, 1)
		j = openTest(t, t.TempDir(), &Options{SyncEvery: time.Hour, OnError: func(error) {
			_ = j.Close(done)
			told <- struct{}{}
		}})
		startFlight(t, j, &InFlightOptions{OnDisk: true})
		if err := os.Remove(flightFiles(t, j.Dir())[0]); err != nil {
			t.Fatal(err)
		}
		within(t, j.keep.flight.Load().watch)
		if len(told) != 1 {
			t.Error("not a word")
		}
	})
}

// within fails when do hangs.
func within(t *testing.T, do func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("it hangs")
	}
}
