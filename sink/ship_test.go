package sink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// spool is a sink.Spool in memory, with faults.
type spool struct {
	mu        sync.Mutex
	entries   []*entry.Entry
	places    map[string]int // by sink: how many were committed
	held      map[string]bool
	dead      []sink.DeadLetter
	gap       int64  // entries that were removed before they were read
	damaged   int64  // lines that Next passes over
	damagedAt string // the first of them
	lines     int64  // what Look counts of them
	onNext    func(s *spool)
	fault     error // of Attach and Look
	buryErr   error
	changed   chan struct{}
	peeks     int
}

func newSpool() *spool {
	return &spool{places: map[string]int{}, held: map[string]bool{}, changed: make(chan struct{}, 1)}
}

func (s *spool) add(entries ...*entry.Entry) {
	s.mu.Lock()
	s.entries = append(s.entries, entries...)
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *spool) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *spool) Attach(_ context.Context, name string) (sink.Feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return nil, s.fault
	}
	if s.held[name] {
		return nil, fmt.Errorf("spool: %w", sink.ErrHeld)
	}
	s.held[name] = true
	return &spoolFeed{s: s, name: name, read: s.places[name]}, nil
}

type spoolFeed struct {
	s    *spool
	name string
	read int
	base int // of the last Next
	gaps int
}

func (f *spoolFeed) Look(context.Context) (sink.Backlog, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	var b sink.Backlog
	for _, e := range f.s.entries[f.read:] {
		b.Entries++
		b.Bytes += int64(len(e.Line()))
	}
	b.Entries += f.s.gap + f.s.lines
	return b, f.s.fault
}

// spoolMark is a place in the spool.
type spoolMark struct {
	f  *spoolFeed
	to int
}

func (f *spoolFeed) Mark() sink.Mark {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return &spoolMark{f, len(f.s.entries)}
}

func (m *spoolMark) Passed() bool {
	m.f.s.mu.Lock()
	defer m.f.s.mu.Unlock()
	return m.f.s.places[m.f.name] >= m.to && m.f.s.gap == 0
}

func (f *spoolFeed) Next(_ context.Context, b *sink.SpoolBatch) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.onNext != nil {
		f.s.onNext(f.s)
	}
	f.base, f.gaps = f.read, 0
	b.Damaged, b.DamagedAt, f.s.damaged, f.s.lines = f.s.damaged, f.s.damagedAt, 0, 0
	if f.s.gap > 0 {
		b.Entries = append(b.Entries, &entry.Entry{InsertID: "gap", Kind: entry.KindGap, Gap: &entry.Gap{Count: f.s.gap}})
		b.Gaps, b.Lost, f.gaps = 1, f.s.gap, 1
		f.s.gap = 0
	}
	for bytes := 0; f.read < len(f.s.entries) && len(b.Entries) < b.MaxEntries && bytes < b.MaxBytes; f.read++ {
		e, err := entry.Parse(f.s.entries[f.read].Line())
		if err != nil {
			return err
		}
		bytes += len(e.Line())
		b.Entries = append(b.Entries, e)
	}
	return nil
}

func (f *spoolFeed) Commit(_ context.Context, n int) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.places[f.name] = max(f.s.places[f.name], f.base+n-f.gaps)
	return nil
}

func (f *spoolFeed) Bury(_ context.Context, letters []sink.DeadLetter) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.buryErr != nil {
		return f.s.buryErr
	}
	f.s.dead = append(f.s.dead, letters...)
	return nil
}

func (f *spoolFeed) Peek(_ context.Context, from sink.Place, b *sink.SpoolBatch) (sink.Place, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.peeks++
	at, _ := from.(int)
	at = max(at, f.read)
	for bytes := 0; at < len(f.s.entries) && len(b.Entries) < b.MaxEntries && bytes < b.MaxBytes; at++ {
		e, err := entry.Parse(f.s.entries[at].Line())
		if err != nil {
			return from, err
		}
		bytes += len(e.Line())
		b.Entries = append(b.Entries, e)
	}
	return at, nil
}

func (f *spoolFeed) Grave() string { return "the graveyard" }

func (f *spoolFeed) Changed() <-chan struct{} { return f.s.changed }

func (f *spoolFeed) Close() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	delete(f.s.held, f.name)
	return nil
}

func newShip(t *testing.T, sp sink.Spool, s sink.Sink, opts *sink.ShipOptions) *sink.Ship {
	t.Helper()
	var o sink.ShipOptions
	if opts != nil {
		o = *opts
	}
	if o.Name == "" {
		o.Name = "cloud"
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	h, err := sink.NewShip(sp, s, &o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// shipBalance checks the account.
func shipBalance(t *testing.T, h *sink.Ship) sink.ShipStats {
	t.Helper()
	s := h.Stats()
	if s.Captured != s.Delivered+s.Waiting+s.DroppedTotal() || s.Waiting < 0 || s.WaitingBytes < 0 {
		t.Errorf("the account does not balance: %+v", s)
	}
	return s
}

func shippedIDs(entries []*entry.Entry) []string {
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.InsertID)
	}
	return ids
}

// A sink that is away for a day gets everything, in order and once, and nothing is
// tried in vain faster than the backoff says.
func TestShipDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		back := time.Now().Add(24 * time.Hour)
		f := &faulty{fault: func(context.Context, int, []*entry.Entry) error {
			if time.Now().Before(back) {
				return errors.New("connection refused")
			}
			return nil
		}}
		h := newShip(t, sp, f, nil)
		all := sinktest.Samples(0, 2*24*60)
		for i := range all {
			sp.add(all[i])
			time.Sleep(30 * time.Second)
			if i == 100 {
				s := shipBalance(t, h)
				if s.Circuit != sink.CircuitOpen || s.Waiting != 101 || s.LastError != "connection refused" || s.Failures < 5 {
					t.Errorf("%+v", s)
				}
			}
		}
		tries := len(f.tried())
		if least := int(24 * time.Hour / (30 * time.Second)); tries < least || tries > 3*least {
			t.Errorf("%d tries in a day, want one in 15 to 30 s", tries)
		}
		if n := len(f.tried()[tries-1]); n > 10 {
			t.Errorf("a trial has %d entries", n)
		}
		time.Sleep(time.Minute)
		s := shipBalance(t, h)
		if s.Delivered != int64(len(all)) || s.Lag != 0 || s.Circuit != sink.CircuitClosed {
			t.Errorf("%+v", s)
		}
		if diff := cmp.Diff(shippedIDs(all), shippedIDs(f.Entries())); diff != "" {
			t.Error(diff)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// An entry waits MaxAge for others, a full batch does not wait, nor does one for which
// somebody waits.
func TestShipAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp, mem := newSpool(), &sinktest.Memory{}
		h := newShip(t, sp, mem, &sink.ShipOptions{MaxAge: time.Second, MaxBatch: 10})
		begun := time.Now()
		took := func() time.Duration { return time.Since(begun) }
		sp.add(sinktest.Sample(0))
		if err := mem.Wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if d := took(); d < time.Second || d > 1100*time.Millisecond {
			t.Errorf("after %s, want 1 s", d)
		}
		begun = time.Now()
		sp.add(sinktest.Samples(1, 10)...)
		if err := mem.Wait(t.Context(), 11); err != nil {
			t.Fatal(err)
		}
		if d := took(); d > 0 {
			t.Errorf("a full batch after %s", d)
		}
		begun = time.Now()
		sp.add(sinktest.Sample(11))
		if err := h.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if d := took(); d > 60*time.Millisecond || len(mem.Entries()) != 12 {
			t.Errorf("Flush took %s", d)
		}
		sp.add(sinktest.Sample(12))
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(mem.Entries()) != 13 || mem.Batches() != 4 {
			t.Errorf("%d entries in %d batches", len(mem.Entries()), mem.Batches())
		}
	})
}

// Failed entries alone are sent again; refused ones become dead letters.
func TestShipPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		sp.add(sinktest.Samples(0, 6)...)
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			switch n {
			case 0:
				return &sink.PartialError{Failed: []sink.Failure{
					{Index: 1, Err: sink.Retryable(errors.New("busy"), 7*time.Second)},
					{Index: 3, Err: sink.Permanent(errors.New("too large"))},
					{Index: 4, Err: errors.New("who knows")},
				}}
			case 1:
				return &sink.PartialError{Failed: []sink.Failure{{Index: 0, Err: errors.New("busy")}}}
			}
			return nil
		}}
		begun := time.Now()
		var log errorLog
		h := newShip(t, sp, f, &sink.ShipOptions{OnError: log.add})
		var drop *sink.DropError
		if err := h.Flush(t.Context()); !errors.As(err, &drop) || drop.Count != 1 {
			t.Errorf("Flush: %v", err)
		}
		if d := time.Since(begun); d < 7*time.Second || d > 9*time.Second {
			t.Errorf("after %s, want the 7 s that the sink asked for", d)
		}
		id := func(i ...int) (ids []string) {
			for _, n := range i {
				ids = append(ids, sinktest.Sample(n).InsertID)
			}
			return ids
		}
		tried := f.tried()
		if n := len(tried[1]); n == 3 {
			tried[1] = slices.Delete(tried[1], 1, 2) // the gap entry, in the place of the refused one
		}
		if diff := cmp.Diff([][]string{id(0, 1, 2, 3, 4, 5), id(1, 4), id(1)}, tried); diff != "" {
			t.Error(diff)
		}
		s := shipBalance(t, h)
		if s.Delivered != 5 || s.Dropped[sink.DropRefused] != 1 || s.DeadLetters != 1 || s.Retries != 2 {
			t.Errorf("%+v", s)
		}
		if len(sp.dead) != 1 || sp.dead[0].Entry.InsertID != id(3)[0] || !strings.Contains(sp.dead[0].Reason, "too large") {
			t.Errorf("%+v", sp.dead)
		}
		if log.drops()[sink.DropRefused] != 1 {
			t.Errorf("told %v", log.all())
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A batch that is refused whole is divided until the entry is found; the others are
// delivered.
func TestShipDivides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		sp.add(sinktest.Samples(0, 500)...)
		poison := map[string]bool{sinktest.Sample(123).InsertID: true, sinktest.Sample(124).InsertID: true}
		f := &faulty{fault: func(_ context.Context, _ int, batch []*entry.Entry) error {
			for _, e := range batch {
				if poison[e.InsertID] {
					return sink.Permanent(errors.New("400"))
				}
			}
			return nil
		}}
		h := newShip(t, sp, f, nil)
		_ = h.Flush(t.Context())
		s := shipBalance(t, h)
		if s.Delivered != 498 || s.DeadLetters != 2 || s.Gaps != 2 || len(f.Entries()) != 500 {
			t.Errorf("%+v", s)
		}
		if n := len(f.tried()); n > 60 {
			t.Errorf("it took %d writes", n)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Close gives a sink that is down one more trial, and says what is left; the next Ship
// goes on, and gets again only what was not acknowledged.
func TestShipCloseLeaves(t *testing.T) {
	for _, tt := range []struct {
		name    string
		down    time.Duration // before Close
		fault   func(ctx context.Context) error
		ctx     time.Duration // Close's, 0: none
		atMost  time.Duration
		wrapped error
	}{
		{"down for long", time.Hour, func(context.Context) error { return errors.New("down") }, 0, time.Second, nil},
		{"down since now", 0, func(context.Context) error { return errors.New("down") }, 0, 10 * time.Second, nil},
		{"hangs", time.Hour, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 0, 25 * time.Second, nil},
		{"out of time", 0, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, time.Second, time.Second, context.DeadlineExceeded},
		{"deaf", 0, func(context.Context) error { time.Sleep(time.Hour); return errors.New("late") }, time.Second, 1100 * time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sp := newSpool()
				f := &faulty{fault: func(ctx context.Context, n int, batch []*entry.Entry) error {
					if n == 0 {
						// The first three are taken.
						return &sink.PartialError{Failed: []sink.Failure{{Index: 3, Err: errors.New("x")}, {Index: 4, Err: errors.New("x")}}}
					}
					return tt.fault(ctx)
				}}
				sp.add(sinktest.Samples(0, 5)...)
				h := newShip(t, sp, f, &sink.ShipOptions{MaxAge: -1})
				time.Sleep(tt.down)
				ctx := context.Background()
				if tt.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.ctx)
					defer cancel()
				}
				begun := time.Now()
				err := h.Close(ctx)
				if d := time.Since(begun); d > tt.atMost {
					t.Errorf("Close took %s", d)
				}
				if !errors.Is(err, sink.ErrLeft) || tt.wrapped != nil && !errors.Is(err, tt.wrapped) {
					t.Errorf("%v, want ErrLeft", err)
				}
				if again := h.Close(context.Background()); again == nil || again.Error() != err.Error() {
					t.Errorf("a second Close says %v", again)
				}
				if s := shipBalance(t, h); s.Waiting != 2 || s.Delivered != 3 {
					t.Errorf("%+v", s)
				}
				time.Sleep(2 * time.Hour) // the deaf one comes back
				next := &sinktest.Memory{}
				h = newShip(t, sp, next, nil)
				if err := h.Close(context.Background()); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(shippedIDs(sinktest.Samples(3, 2)), shippedIDs(next.Entries())); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// One of two ships; the other stands by and takes over.
func TestShipStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		a, b := &sinktest.Memory{}, &sinktest.Memory{}
		first := newShip(t, sp, a, nil)
		synctest.Wait()
		second := newShip(t, sp, b, nil)
		synctest.Wait()
		sp.add(sinktest.Samples(0, 3)...)
		time.Sleep(10 * time.Second)
		if s := second.Stats(); !s.Standby || s.Attached || len(a.Entries()) != 3 {
			t.Errorf("%+v", s)
		}
		if err := second.Flush(t.Context()); !errors.Is(err, sink.ErrHeld) {
			t.Errorf("Flush: %v", err)
		}
		if err := first.Close(t.Context()); err != nil {
			t.Error(err)
		}
		sp.add(sinktest.Samples(3, 3)...)
		time.Sleep(5 * time.Second)
		if s := second.Stats(); s.Standby || !s.Attached || len(b.Entries()) != 3 {
			t.Errorf("%+v, %d entries", s, len(b.Entries()))
		}
		if err := second.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A sink that hangs or is down delays no other.
func TestShipBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		hangs := &faulty{fault: func(ctx context.Context, _ int, _ []*entry.Entry) error { <-ctx.Done(); return ctx.Err() }}
		mem := &sinktest.Memory{}
		dead, good := newShip(t, sp, hangs, &sink.ShipOptions{Name: "dead"}), newShip(t, sp, mem, &sink.ShipOptions{Poll: time.Millisecond})
		for i := range 100 {
			sp.add(sinktest.Sample(i))
			time.Sleep(time.Second)
			if n := len(mem.Entries()); n < i+1 {
				t.Fatalf("after a second %d entries, want %d", n, i+1)
			}
		}
		if err := errors.Join(good.Close(t.Context())); err != nil {
			t.Error(err)
		}
		if err := dead.Close(t.Context()); !errors.Is(err, sink.ErrLeft) {
			t.Error(err)
		}
	})
}

// What the spool had to remove is told by a gap entry that is counted apart.
func TestShipGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp, mem := newSpool(), &sinktest.Memory{}
		sp.gap = 40
		sp.add(sinktest.Sample(0))
		var log errorLog
		h := newShip(t, sp, mem, &sink.ShipOptions{OnError: log.add, Resource: &entry.Resource{Service: "web"}})
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		s := shipBalance(t, h)
		if s.Gaps != 1 || s.Delivered != 1 || s.Dropped[sink.DropRetention] != 40 || s.Captured != 41 {
			t.Errorf("%+v", s)
		}
		got := mem.Entries()
		if len(got) != 2 || got[0].Kind != entry.KindGap || got[0].Resource.Service != "web" || log.drops()[sink.DropRetention] != 40 {
			t.Errorf("%v, told %v", shippedIDs(got), log.all())
		}
	})
}

// A spool that can not be used is tried again, and told of; a panic of the sink is no
// end.
func TestShipFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		sp.fault = errors.New("read-only file system")
		sp.add(sinktest.Samples(0, 3)...)
		f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
			if n == 0 {
				panic("a bug")
			}
			return nil
		}}
		var log errorLog
		h := newShip(t, sp, f, &sink.ShipOptions{OnError: log.add})
		time.Sleep(time.Minute)
		if s := h.Stats(); s.Attached || s.Standby {
			t.Errorf("%+v", s)
		}
		sp.set(func() { sp.fault = nil })
		time.Sleep(time.Minute)
		sp.set(func() { sp.fault = errors.New("EIO") })
		time.Sleep(time.Minute)
		sp.set(func() { sp.fault = nil })
		sp.add(sinktest.Sample(3))
		time.Sleep(time.Minute)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s := shipBalance(t, h); s.Delivered != 4 {
			t.Errorf("%+v", s)
		}
		said := fmt.Sprint(log.all())
		for _, want := range []string{"read-only file system", "EIO", "a bug"} {
			if !strings.Contains(said, want) {
				t.Errorf("nobody was told of %q: %s", want, said)
			}
		}
	})
}

func TestShipOptions(t *testing.T) {
	for _, tt := range []struct {
		opts *sink.ShipOptions
		says string
	}{
		{nil, "Name"},
		{&sink.ShipOptions{Name: strings.Repeat("x", 257)}, "Name"},
		{&sink.ShipOptions{Name: "a\nb"}, "Name"},
		{&sink.ShipOptions{Name: "a", MaxBatch: -1}, "MaxBatch"},
		{&sink.ShipOptions{Name: "a", MaxBatchBytes: 10e6}, "MaxBatchBytes"},
		{&sink.ShipOptions{Name: "a", MaxAge: 2 * time.Hour}, "MaxAge"},
		{&sink.ShipOptions{Name: "a", Poll: -1}, "Poll"},
		{&sink.ShipOptions{Name: "a", RetryMin: time.Hour, RetryMax: time.Second}, "RetryMin"},
	} {
		_, err := sink.NewShip(newSpool(), &sinktest.Memory{}, tt.opts)
		if !errors.Is(err, sink.ErrOptions) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v", tt.opts, err)
		}
	}
	if _, err := sink.NewShip(nil, nil, nil); !errors.Is(err, sink.ErrOptions) {
		t.Error(err)
	}
}

type named struct{ sinktest.Memory }

func (*named) Name() string { return "named" }

func TestNameOf(t *testing.T) {
	keep := func(*entry.Entry) bool { return true }
	if got := sink.NameOf(sink.Filter(sink.Filter(&named{}, keep), keep)); got != "named" {
		t.Errorf("%q", got)
	}
	if got := sink.NameOf(&sinktest.Memory{}); got != "" {
		t.Errorf("%q", got)
	}
}

// What is visited is what Stats says, and every figure keeps its name and labels.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		sp.add(sinktest.Samples(0, 3)...)
		h := newShip(t, sp, &sinktest.Memory{}, nil)
		q := newQueue(t, sink.Discard(), nil)
		collect := func(m sink.Metered) map[string]float64 {
			got := map[string]float64{}
			m.VisitMetrics(func(m sink.Metric) {
				key := m.Name + "{" + strings.Join(m.Labels, ",") + "}"
				if _, twice := got[key]; twice || m.Help == "" || len(m.Labels)%2 != 0 {
					t.Errorf("%+v", m)
				}
				got[key] = m.Value
			})
			return got
		}
		before := collect(h)
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		q.Enqueue(logEntry(1))
		mustClose(t, q)
		after := collect(h)
		if len(before) != len(after) {
			t.Errorf("%v, then %v", before, after)
		}
		if after["txtrail_ship_delivered_total{sink,cloud}"] != 3 || after["txtrail_ship_attached{sink,cloud}"] != 1 {
			t.Errorf("%v", after)
		}
		if got := collect(q); got["txtrail_queue_captured_total{}"] != 1 || got["txtrail_queue_dropped_total{reason,queue full}"] != 0 {
			t.Errorf("%v", got)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A Flush that comes while the spool is being looked at waits for what was added
// before it, which that look has not seen.
func TestShipFlushIsFresh(t *testing.T) {
	sp, mem := newSpool(), &sinktest.Memory{}
	h := newShip(t, sp, mem, &sink.ShipOptions{MaxAge: time.Hour, Poll: time.Nanosecond})
	for i := range 300 {
		sp.add(sinktest.Sample(i))
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(mem.Entries()); n != i+1 {
			t.Fatalf("%d entries after %d flushes", n, i+1)
		}
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// letters returns what was buried.
func (s *spool) letters() []sink.DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dead)
}
