package sink_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

func loggers(entries []*entry.Entry) []string {
	var list []string
	for _, e := range entries {
		if e.Kind != entry.KindGap {
			list = append(list, e.Logger)
		}
	}
	return list
}

func TestQueueDelivers(t *testing.T) {
	m := &sinktest.Memory{}
	r := &entry.Resource{Service: "web", PID: 7}
	q := newQueue(t, m, &sink.QueueOptions{Resource: r})
	var want []string
	for i := range 2000 {
		if !q.Enqueue(logEntry(i)) {
			t.Fatalf("entry %d was not taken", i)
		}
		want = append(want, fmt.Sprint(i))
	}
	if err := q.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries := m.Entries()
	if diff := cmp.Diff(want, loggers(entries)); diff != "" {
		t.Errorf("after Flush (-want +got):\n%s", diff)
	}
	for i, e := range entries {
		if e.Time.IsZero() {
			t.Fatalf("entry %d has no time", i)
		}
		if e.Resource == nil || e.Resource.Service != "web" {
			t.Fatalf("entry %d: resource %+v", i, e.Resource)
		}
		if len(e.InsertID) != 20 || i > 0 && (e.InsertID <= entries[i-1].InsertID || e.InsertID[:10] != entries[0].InsertID[:10]) {
			t.Fatalf("entry %d: InsertID %q does not follow %q", i, e.InsertID, entries[max(i-1, 0)].InsertID)
		}
	}
	s := q.Stats()
	if s.Captured != 2000 || s.Delivered != 2000 || s.Waiting != 0 || len(s.Dropped) != 0 {
		t.Errorf("Stats = %+v", s)
	}
	mustClose(t, q)
	if !m.Closed() {
		t.Error("Close of the queue did not close the sink")
	}
}

func TestInsertIDKept(t *testing.T) {
	m := &sinktest.Memory{}
	q := newQueue(t, m, nil)
	e := logEntry(1)
	e.InsertID = "minted-elsewhere"
	q.Enqueue(e)
	mustClose(t, q)
	if got := m.Entries()[0].InsertID; got != "minted-elsewhere" {
		t.Errorf("InsertID = %q", got)
	}
}

func TestEnqueueRefusesWhatIsNoEntry(t *testing.T) {
	m := &sinktest.Memory{}
	q := newQueue(t, m, nil)
	if q.Enqueue(nil) || q.Enqueue(sinktest.Sample(1)) {
		t.Error("nil or a sealed entry was taken")
	}
	if (*sink.Queue)(nil).Enqueue(logEntry(1)) {
		t.Error("a nil queue took an entry")
	}
	mustClose(t, q)
	if s := q.Stats(); s.Dropped[sink.DropInvalid] != 2 || balance(s) != nil {
		t.Errorf("Stats = %+v", s)
	}
}

// TestAccountBalances checks the account at random moments, with a sink that does
// everything that a sink may do and some that it may not.
func TestAccountBalances(t *testing.T) {
	f := &faulty{}
	f.fault = func(ctx context.Context, n int, batch []*entry.Entry) error {
		switch rand.IntN(8) {
		case 0:
			return errors.New("some error")
		case 1:
			return sink.Retryable(errors.New("busy"), time.Microsecond)
		case 2:
			return sink.Permanent(errors.New("never"))
		case 3:
			panic("a sink that panics")
		case 4, 5:
			p := &sink.PartialError{}
			for i := range batch {
				switch rand.IntN(6) {
				case 0:
					p.Failed = append(p.Failed, sink.Failure{Index: i, Err: sink.Permanent(errors.New("refused"))})
				case 1:
					p.Failed = append(p.Failed, sink.Failure{Index: i, Err: errors.New("later")})
				}
			}
			if rand.IntN(4) == 0 { // nothing was taken then, and nothing of it is believed
				p.Failed = p.Failed[:0]
				for i := range len(batch) + 3 {
					p.Failed = append(p.Failed, sink.Failure{Index: i, Err: sink.Permanent(errors.New("nonsense"))})
				}
			}
			if len(p.Failed) == 0 {
				return nil
			}
			return p
		}
		return nil
	}
	q := newQueue(t, f, &sink.QueueOptions{
		MaxBytes: 64 << 10, Linger: -1, RetryMin: time.Microsecond, RetryMax: 20 * time.Microsecond,
		OnError: func(error) {},
	})
	stop := make(chan struct{})
	var watcher, producers sync.WaitGroup
	watcher.Go(func() {
		for {
			if err := balance(q.Stats()); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	var taken atomic.Int64
	const callers, each = 4, 1500
	for c := range callers {
		producers.Go(func() {
			for i := range each {
				e := logEntry(c*each + i)
				e.Request.Body.Raw = append(q.Buffers().Get(600), "{}"...)
				if q.Enqueue(e) {
					taken.Add(1)
				}
				if i%50 == 0 {
					time.Sleep(50 * time.Microsecond)
				}
			}
		})
	}
	producers.Wait()
	_ = q.Flush(t.Context()) // it tells of the drops
	s := q.Stats()
	if s.Waiting != 0 {
		t.Errorf("%d entries wait after Flush", s.Waiting)
	}
	_ = q.Close(t.Context())
	close(stop)
	watcher.Wait()
	s = q.Stats()
	if err := balance(s); err != nil {
		t.Error(err)
	}
	if s.Captured != callers*each || s.Captured-s.Dropped[sink.DropFull] != taken.Load() {
		t.Errorf("captured %d, full %d; Enqueue took %d of %d", s.Captured, s.Dropped[sink.DropFull], taken.Load(), callers*each)
	}
	entries := f.Entries()
	if n := len(loggers(entries)); int64(n) != s.Delivered {
		t.Errorf("the sink holds %d entries, delivered %d", n, s.Delivered)
	}
	if int64(len(entries))-s.Delivered != s.Gaps {
		t.Errorf("the sink holds %d gap entries, Stats says %d", int64(len(entries))-s.Delivered, s.Gaps)
	}
}

// TestFull shows what an overload looks like: Enqueue goes on, and the trail says
// what is missing where.
func TestFull(t *testing.T) {
	f, release := holding()
	log := &errorLog{}
	q := newQueue(t, f, &sink.QueueOptions{MaxBytes: 32 << 10, OnError: log.add})
	q.Enqueue(logEntry(-1))
	<-f.entered
	taken, dropped := 0, 0
	for i := range 1000 {
		if q.Enqueue(logEntry(i)) {
			taken++
		} else {
			dropped++
		}
	}
	if taken == 0 || dropped < 500 {
		t.Fatalf("%d taken, %d dropped", taken, dropped)
	}
	if s := q.Stats(); s.Dropped[sink.DropFull] != int64(dropped) || s.WaitingBytes > 32<<10 {
		t.Errorf("Stats = %+v", s)
	}
	release()
	if err := q.Flush(t.Context()); err != nil {
		t.Errorf("Flush: %v", err) // nothing was dropped since it began
	}
	for i := range 5 { // there is room again
		q.Enqueue(logEntry(i))
	}
	mustClose(t, q)
	seen := map[string]bool{}
	for _, e := range f.Entries() {
		if seen[e.InsertID] {
			t.Errorf("the InsertID %s was given twice", e.InsertID)
		}
		seen[e.InsertID] = true
	}

	// The first 64 transactions that lost something are named.
	var gaps []*entry.Entry
	for _, e := range f.Entries() {
		if e.Kind == entry.KindGap {
			gaps = append(gaps, e)
		}
	}
	if len(gaps) != 65 {
		t.Fatalf("%d gap entries, want 64 and one for the rest", len(gaps))
	}
	var sum, unnamed int64
	for i, g := range gaps {
		if g.Gap.Reason != sink.DropFull || g.InsertID == "" || g.Time.IsZero() || !g.Time.Equal(g.Gap.From) || g.Severity != entry.SeverityWarning {
			t.Errorf("gap entry %d: %+v, %+v", i, g, g.Gap)
		}
		if g.TxID == "" {
			unnamed = g.Gap.Count
		} else if want := txid.ID(fmt.Sprintf("transaction-%06d", taken+i)); g.TxID != want || g.Gap.Count != 1 {
			t.Errorf("gap entry %d is of %s, %d lost; want %s, 1", i, g.TxID, g.Gap.Count, want)
		}
		sum += g.Gap.Count
	}
	if sum != int64(dropped) || unnamed != int64(dropped-64) {
		t.Errorf("the gap entries tell of %d lost, %d without a name; want %d, %d", sum, unnamed, dropped, dropped-64)
	}
	if got := log.drops()[sink.DropFull]; got != int64(dropped) {
		t.Errorf("OnError was told of %d dropped, want %d", got, dropped)
	}
	if s := q.Stats(); s.Gaps != 65 || s.GapsLost != 0 {
		t.Errorf("Stats: %d gaps, %d lost", s.Gaps, s.GapsLost)
	}
}

func TestDroppedBuffersGoBack(t *testing.T) {
	q := newQueue(t, sink.Discard(), nil)
	mustClose(t, q)
	raw := append(q.Buffers().Get(1000), "secret"...)
	e := logEntry(1)
	e.Response.Body.Raw = raw
	if q.Enqueue(e) {
		t.Fatal("taken after Close")
	}
	if e.Response.Body.Raw != nil || strings.Contains(string(raw[:cap(raw)]), "secret") {
		t.Error("the raw bytes of a dropped entry were not cleared")
	}
}

func TestBatches(t *testing.T) {
	t.Run("linger", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &sinktest.Memory{}
			q := newQueue(t, m, &sink.QueueOptions{Linger: 2 * time.Millisecond})
			defer mustClose(t, q)
			begin := time.Now()
			q.Enqueue(logEntry(1))
			time.Sleep(time.Millisecond)
			q.Enqueue(logEntry(2))
			if err := m.Wait(t.Context(), 2); err != nil {
				t.Fatal(err)
			}
			if m.Batches() != 1 || time.Since(begin) != 2*time.Millisecond {
				t.Errorf("%d batches, the last after %s; want 1 after 2ms", m.Batches(), time.Since(begin))
			}
		})
	})
	t.Run("full", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &sinktest.Memory{}
			q := newQueue(t, m, &sink.QueueOptions{Linger: time.Minute})
			defer mustClose(t, q)
			begin := time.Now()
			q.Enqueue(logEntry(0))
			synctest.Wait() // the worker lingers
			for i := range sink.MaxBatch - 1 {
				q.Enqueue(logEntry(i))
			}
			if err := m.Wait(t.Context(), sink.MaxBatch); err != nil {
				t.Fatal(err)
			}
			if m.Batches() != 1 || time.Since(begin) != 0 {
				t.Errorf("%d batches after %s; want 1 at once", m.Batches(), time.Since(begin))
			}
		})
	})
	t.Run("flush does not linger", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, &sinktest.Memory{}, &sink.QueueOptions{Linger: time.Minute})
			defer mustClose(t, q)
			begin := time.Now()
			q.Enqueue(logEntry(1))
			synctest.Wait()
			if err := q.Flush(t.Context()); err != nil || time.Since(begin) != 0 {
				t.Errorf("Flush took %s: %v", time.Since(begin), err)
			}
		})
	})
	t.Run("bytes", func(t *testing.T) {
		f := &faulty{}
		q := newQueue(t, f, &sink.QueueOptions{Linger: time.Minute})
		for i := range 40 {
			e := logEntry(i)
			for j := range 20 {
				e.Attributes = append(e.Attributes, entry.Label{Name: fmt.Sprintf("a%d", j), Value: strings.Repeat("lorem ipsum ", 300)})
			}
			e.Error.Stack = strings.Repeat("main.main()\n", 1000)
			q.Enqueue(e)
		}
		mustClose(t, q)
		size, batches := 0, f.tried()
		for _, l := range f.Lines() {
			size += len(l)
		}
		if want := (size + sink.MaxBatchBytes - 1) / sink.MaxBatchBytes; len(batches) > want || len(batches) < want-1 {
			t.Errorf("%d bytes in %d batches, want about %d", size, len(batches), want)
		}
	})
}

func TestFlush(t *testing.T) {
	t.Run("nothing", func(t *testing.T) {
		q := newQueue(t, sink.Discard(), nil)
		defer mustClose(t, q)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.Flush(ctx); err != nil {
			t.Errorf("Flush of an empty queue: %v", err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			down := true
			f := &faulty{fault: func(context.Context, int, []*entry.Entry) error {
				if down {
					return errors.New("down")
				}
				return nil
			}}
			q := newQueue(t, f, nil)
			q.Enqueue(logEntry(1))
			q.Enqueue(logEntry(2))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := q.Flush(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 entries") {
				t.Errorf("Flush = %v, want the deadline and that 2 entries wait", err)
			}
			synctest.Wait()
			down = false
			if err := q.Flush(t.Context()); err != nil {
				t.Errorf("Flush once the sink is back: %v", err)
			}
			mustClose(t, q)
			if n := len(f.Entries()); n != 2 {
				t.Errorf("%d entries, want 2", n)
			}
		})
	})
	t.Run("drops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
				if n == 0 {
					return sink.Permanent(errors.New("no such table"))
				}
				return nil
			}}
			q := newQueue(t, f, &sink.QueueOptions{Linger: time.Minute})
			q.Enqueue(logEntry(1))
			synctest.Wait()
			var drop *sink.DropError
			if err := q.Flush(t.Context()); !errors.As(err, &drop) || drop.Count != 1 {
				t.Errorf("Flush = %v, want that 1 entry was dropped", err)
			}
			synctest.Wait() // the worker lingers with the gap entry
			// The gap entry is something to flush too.
			if err := q.Flush(t.Context()); err != nil {
				t.Errorf("Flush = %v", err)
			}
			if s := q.Stats(); s.Gaps != 1 {
				t.Errorf("%d gap entries after Flush, want 1", s.Gaps)
			}
			mustClose(t, q)
			if got := f.Entries(); len(got) != 1 || got[0].Kind != entry.KindGap || got[0].TxID != "transaction-000001" || got[0].Gap.Reason != sink.DropRefused {
				t.Errorf("the sink holds %d entries, want the gap", len(got))
			}
		})
	})
}

func TestOptions(t *testing.T) {
	tests := []struct {
		opts *sink.QueueOptions
		want string
	}{
		{&sink.QueueOptions{MaxBytes: -1}, "MaxBytes is -1"},
		{&sink.QueueOptions{MaxBytes: 100}, "at least 16384"},
		{&sink.QueueOptions{MaxBytes: 4<<30 + 1}, "at most 4294967296"},
		{&sink.QueueOptions{Linger: time.Hour}, "Linger"},
		{&sink.QueueOptions{WriteTimeout: -1}, "WriteTimeout"},
		{&sink.QueueOptions{RetryMin: -1}, "RetryMin"},
		{&sink.QueueOptions{RetryMin: time.Second, RetryMax: time.Millisecond}, "longer than RetryMax"},
	}
	for _, tt := range tests {
		q, err := sink.NewQueue(sink.Discard(), tt.opts)
		if !errors.Is(err, sink.ErrOptions) || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "sink: ") {
			t.Errorf("NewQueue(%+v) = %v, want an error with %q", tt.opts, err, tt.want)
		}
		if q != nil {
			t.Errorf("NewQueue(%+v) returns a queue beside its error", tt.opts)
		}
	}
	if _, err := sink.NewQueue(nil, nil); !errors.Is(err, sink.ErrOptions) {
		t.Error("NewQueue without a sink: no error")
	}
	for _, o := range []*sink.QueueOptions{{RetryMax: time.Millisecond}, {RetryMin: time.Hour}} {
		q, err := sink.NewQueue(sink.Discard(), o)
		if err != nil {
			t.Errorf("one bound alone: %v", err)
			continue
		}
		mustClose(t, q)
	}
}

func TestInsertIDsAreUniqueAmongQueues(t *testing.T) {
	m := &sinktest.Memory{}
	for range 2 {
		q := newQueue(t, m, nil)
		q.Enqueue(logEntry(1))
		if err := q.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer mustClose(t, q)
	}
	es := m.Entries()
	if es[0].InsertID == es[1].InsertID {
		t.Errorf("two queues drew the same InsertID %s", es[0].InsertID)
	}
}

func TestEnqueueAllocates(t *testing.T) {
	f, release := holding()
	q := newQueue(t, f, nil)
	q.Enqueue(logEntry(0))
	<-f.entered // what the worker allocates would be counted too
	entries := make([]*entry.Entry, 0, 4000)
	for i := range cap(entries) {
		e := logEntry(i)
		e.Request.Headers = []entry.Header{{Name: "Accept", Value: "*/*"}}
		e.Request.Body.Raw = make([]byte, 1024)
		entries = append(entries, e)
	}
	i := 0
	if n := testing.AllocsPerRun(len(entries)-1, func() {
		q.Enqueue(entries[i])
		i++
	}); n != 0 {
		t.Errorf("Enqueue allocates %v times, want 0", n)
	}
	release()
	mustClose(t, q)
	if n := len(f.Entries()); n != len(entries)+1 {
		t.Errorf("%d delivered, want %d", n, len(entries)+1)
	}
}

func TestUnrecorded(t *testing.T) {
	var marked []bool
	f := &faulty{fault: func(ctx context.Context, _ int, _ []*entry.Entry) error {
		marked = append(marked, sink.Unrecorded(ctx))
		return nil
	}}
	q := newQueue(t, f, nil)
	q.Enqueue(logEntry(1))
	mustClose(t, q)
	if !slices.Equal(marked, []bool{true}) || sink.Unrecorded(context.Background()) {
		t.Errorf("Write's context marked: %v; the background: %v", marked, sink.Unrecorded(context.Background()))
	}
}
