package cloudloggingquery_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// From the journal, over an hour without the service, refusals at every third call,
// lost answers and a restart in between: everything arrives, in order, and once for
// who reads.
func TestShipped(t *testing.T) {
	w := open(t)
	var clock atomic.Int64 // seconds since the outage began; a failed call takes ten
	w.srv.SetFault(func(method string, n int) gcltest.Fault {
		if method != "WriteLogEntries" {
			return gcltest.Fault{}
		}
		switch {
		case clock.Add(10) < 3600:
			return gcltest.Fault{Code: codes.Unavailable}
		case n%3 == 0:
			return gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: time.Millisecond}
		case n%5 == 0:
			return gcltest.Fault{Code: codes.Unavailable, Served: true}
		}
		return gcltest.Fault{}
	})
	const total = 3000
	dir := t.TempDir()
	for life := range 3 { // three processes, one after the other
		j, err := journalsink.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		var batch []*entry.Entry
		for i := life * total / 3; i < (life+1)*total/3; i++ {
			e := &entry.Entry{
				Time: now.Add(-time.Hour).Add(time.Duration(i)), TxID: txid.ID(fmt.Sprintf("shipped-%06d", i/100)), InsertID: fmt.Sprintf("s%06d", i),
				Kind: entry.KindLog, Message: fmt.Sprint(i),
			}
			if err := e.Seal(nil); err != nil {
				t.Fatal(err)
			}
			batch = append(batch, e)
		}
		spool, err := j.Spool(nil)
		if err != nil {
			t.Fatal(err)
		}
		ship, err := sink.NewShip(spool, keepOpen{w.sink}, &sink.ShipOptions{
			Name: "cloud", RetryMin: 100 * time.Microsecond, RetryMax: 200 * time.Microsecond, MaxAge: -1, MaxBatch: 50, OnError: func(error) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if life == 0 { // ends within the outage: nothing is delivered yet
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			cancel()
		} else if err := ship.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		_ = ship.Close(ctx) // what is left goes on with the next life
		if err := j.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// In order for each process, but for what was sent again.
	next, repeated := [3]int{0, total / 3, 2 * total / 3}, 0
	for _, le := range w.srv.Entries() {
		var i int
		if _, err := fmt.Sscanf(le.InsertId, "s%d", &i); err != nil {
			t.Fatal(err)
		}
		switch n := &next[i/(total/3)]; {
		case i < *n:
			repeated++
		case i == *n:
			*n++
		default:
			t.Fatalf("%d comes before %d", i, *n)
		}
	}
	if next != [3]int{total / 3, 2 * total / 3, total} || repeated == 0 || clock.Load() < 3600 {
		t.Errorf("delivered up to %v, %d repeated, after %d s", next, repeated, clock.Load())
	}
	r, err := w.src.Find(t.Context(), query.Filter{})
	if err != nil || len(r.Entries) != total || r.Matched != total {
		t.Fatalf("%d read, %v", len(r.Entries), err)
	}
}

// keepOpen is the same sink for one Ship after the other.
type keepOpen struct{ sink.Sink }

// Close leaves the sink open.
func (keepOpen) Close(context.Context) error { return nil }

// TakesLines implements [sink.LineTaker].
func (k keepOpen) TakesLines() bool { return sink.TakesLines(k.Sink) }
