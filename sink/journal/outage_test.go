package journalsink

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// They are small so that the plain test run stays short. A day at 200 a second makes 17
// million entries, some 6 GB before compression.
var (
	outageFor  = flag.Duration("outage-for", 15*time.Minute, "simulated time for which TestOutage's sink is away")
	outageRate = flag.Float64("outage-rate", 10, "entries a second in TestOutage")
)

// ledger is a sink that expects entries numbered from 0, each once and in order.
type ledger struct {
	fault func() error

	next, again, missed atomic.Int64
}

func (*ledger) Close(context.Context) error { return nil }

func (l *ledger) Write(_ context.Context, batch []*entry.Entry) error {
	if l.fault != nil {
		if err := l.fault(); err != nil {
			return err
		}
	}
	for _, e := range batch {
		var n int64
		if _, err := fmt.Sscanf(e.InsertID, "i%d", &n); err != nil {
			return sink.Permanent(err)
		}
		switch next := l.next.Load(); {
		case n < next:
			l.again.Add(1)
			continue
		case n > next:
			l.missed.Add(n - next)
		}
		l.next.Store(n + 1)
	}
	return nil
}

// One sink is away for long, the one beside it is not. Both get everything, in order
// and once, the second without delay; and the folder stays within its bound.
func TestOutage(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const step = time.Minute
		perStep := int(*outageRate * step.Seconds())
		steps := int(*outageFor / step)
		total := perStep * steps
		bound := max(64<<20, int64(total)*400) // of the plain size: 300 B an entry is the aim for compressed ones
		j := openTest(t, dir, &Options{SyncEvery: time.Minute, MaxFileBytes: 16 << 20, MaxBytes: bound})
		s, err := j.Spool(nil)
		if err != nil {
			t.Fatal(err)
		}
		back := time.Now().Add(*outageFor)
		dead, beside := &ledger{fault: func() error {
			if time.Now().Before(back) {
				return errors.New("connection refused")
			}
			return nil
		}}, &ledger{}
		ship := func(name string, to sink.Sink) *sink.Ship {
			h, err := sink.NewShip(s, to, &sink.ShipOptions{Name: name, Poll: 10 * time.Second, OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		away, here := ship("away", dead), ship("here", beside)
		var largest int64
		n := 0
		batch := make([]*entry.Entry, 0, 500)
		write := func() {
			if err := j.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
		for i := range steps {
			for range perStep {
				e := &entry.Entry{
					Time: time.Now(), TxID: txid.ID(fmt.Sprintf("outage-%08x-%08d", uint32(n)*2654435761, n/4)), InsertID: fmt.Sprintf("i%08d", n),
					Kind: entry.KindServer, HTTP: entry.HTTP{Method: "POST", URL: fmt.Sprintf("/api/orders/%d", n%100_000), Status: 200},
				}
				if err := e.Seal(nil); err != nil {
					t.Fatal(err)
				}
				if batch = append(batch, e); len(batch) == cap(batch) {
					write()
				}
				n++
			}
			write()
			time.Sleep(step)
			if beside.next.Load() != int64(n) {
				t.Fatalf("after %d min the sink beside has %d entries of %d", i+1, beside.next.Load(), n)
			}
			if i%60 != 0 {
				continue
			}
			size := int64(0)
			for _, name := range names(t, dir, "") {
				if st, err := os.Stat(filepath.Join(dir, name)); err == nil {
					size += st.Size()
				}
			}
			largest = max(largest, size)
			if st := away.Stats(); st.Waiting != int64(n) || st.Captured != int64(n) || st.Circuit != sink.CircuitOpen || st.Lag < time.Duration(i)*step {
				t.Fatalf("after %d min: %+v", i+1, st)
			}
		}
		begun := time.Now()
		if err := away.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, h := range []*sink.Ship{away, here} {
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if st := h.Stats(); st.Delivered != int64(total) || st.Waiting != 0 || st.DroppedTotal() != 0 {
				t.Errorf("%+v", st)
			}
		}
		for _, l := range []*ledger{dead, beside} {
			if l.next.Load() != int64(total) || l.missed.Load()+l.again.Load() != 0 {
				t.Errorf("%d of %d; %d missed, %d again", l.next.Load(), total, l.missed.Load(), l.again.Load())
			}
		}
		if largest > bound {
			t.Errorf("the folder had %d bytes, its bound is %d", largest, bound)
		}
		t.Logf("%d entries; the folder had at most %d MB, its bound was %d MB; the rest was delivered within %s of simulated time",
			total, largest>>20, bound>>20, time.Since(begun).Round(time.Second))
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A sink that takes a batch and loses the acknowledgement gets it again. Its reader
// sees each entry once.
func TestLostAcknowledgement(t *testing.T) {
	dir, far := t.TempDir(), t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 16 << 10})
	var want []string
	for i := range 20 {
		want = append(want, writeTest(t, j, i*50, 50)...)
	}
	to := &forgetful{Journal: openTest(t, far, nil)}
	h, err := sink.NewShip(spoolTest(t, dir, nil), to, &sink.ShipOptions{
		Name: "far", MaxBatch: 64, RetryMin: time.Microsecond, RetryMax: time.Microsecond, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if to.forgot == 0 || to.taken <= len(want) {
		t.Fatalf("%d acknowledgements lost, %d entries taken", to.forgot, to.taken)
	}
	if st := h.Stats(); st.Delivered != int64(len(want)) {
		t.Errorf("%+v", st)
	}
	r := readerTest(t, far)
	if got := scanIDs(t, r); len(got) != len(want) {
		t.Errorf("%d entries read, want %d", len(got), len(want))
	}
	story := map[string]bool{}
	for _, id := range lookupIDs(t, r, "txid-000003") {
		if story[id] {
			t.Errorf("%s is in the story twice", id)
		}
		story[id] = true
	}
}

// forgetful takes every batch, and says of every third that it did not.
type forgetful struct {
	*Journal
	writes, taken, forgot int
}

func (f *forgetful) Write(ctx context.Context, batch []*entry.Entry) error {
	if err := f.Journal.Write(ctx, batch); err != nil {
		return err
	}
	f.writes++
	f.taken += len(batch)
	if f.writes%3 == 0 {
		f.forgot++
		return errors.New("connection reset by peer")
	}
	return nil
}
