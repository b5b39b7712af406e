package cloudloggingquery_test

import (
	"context"
	"errors"
	"fmt"
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

// outage is the fault of an hour without the service, and then of refusals for the
// quota's sake at every third call and answers that are lost at every fifth.
func outage() gcltest.FaultFunc {
	began := time.Now()
	return func(method string, n int) gcltest.Fault {
		switch {
		case method != "WriteLogEntries":
		case time.Since(began) < 20*time.Minute:
			return gcltest.Fault{Code: codes.Unavailable}
		case time.Since(began) < 40*time.Minute: // no answer
			return gcltest.Fault{Delay: time.Hour}
		case time.Since(began) < time.Hour:
			return gcltest.Fault{Cut: true}
		case n%3 == 0:
			return gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: 7 * time.Second}
		case n%5 == 0:
			return gcltest.Fault{Code: codes.Unavailable, Served: true}
		}
		return gcltest.Fault{}
	}
}

// numbered is the i-th entry of process p, captured now.
func numbered(at time.Time, p, i int) *entry.Entry {
	return &entry.Entry{
		Time: at, TxID: txid.ID(fmt.Sprintf("outage-%06d", i/100)), InsertID: fmt.Sprintf("p%d-%06d", p, i), Kind: entry.KindLog, Message: fmt.Sprint(i),
	}
}

// arrived checks that each process's entries were stored in order, but for those that
// were sent again, and that who reads gets each once.
func arrived(t *testing.T, w *world, want ...int) {
	t.Helper()
	next, repeated, total := make([]int, len(want)), 0, 0
	for _, le := range w.srv.Entries() {
		var p, i int
		if _, err := fmt.Sscanf(le.InsertId, "p%d-%d", &p, &i); err != nil {
			t.Fatal(err)
		}
		switch {
		case i < next[p]:
			repeated++
		case i == next[p]:
			next[p]++
		default:
			t.Fatalf("process %d: entry %d comes before %d", p, i, next[p])
		}
	}
	for p, n := range want {
		total += n
		if next[p] != n {
			t.Errorf("process %d: %d of %d arrived", p, next[p], n)
		}
	}
	if repeated == 0 {
		t.Error("nothing was repeated: no answer was lost, so that nothing was tested")
	}
	r, err := w.src.Find(t.Context(), query.Filter{})
	if err != nil || len(r.Entries) != total || r.Matched != total || r.Partial() {
		t.Fatalf("%d read, matched %d, %v, %v", len(r.Entries), r.Matched, r.Warnings, err)
	}
	t.Logf("%d entries arrived in %d calls, %d of them more than once; each is read once", total, w.srv.Calls("WriteLogEntries"), repeated)
}

// An hour's traffic of three processes, one after the other, with Ship's own pauses:
// the journal keeps what the service does not take, and everything arrives.
func TestShipped(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.srv.SetFault(outage())
		began, dir := time.Now(), t.TempDir()
		const each = 1200 // ten every ten seconds: twenty minutes
		for life := range 4 {
			j, err := journalsink.Open(dir, &journalsink.Options{SyncEvery: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			spool, err := j.Spool(nil)
			if err != nil {
				t.Fatal(err)
			}
			ship, err := sink.NewShip(spool, keepOpen{w.sink}, &sink.ShipOptions{Name: "cloud", Poll: time.Second, OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			var batch []*entry.Entry
			for i := range each {
				e := numbered(now.Add(time.Since(began)), life, i)
				if err := e.Seal(nil); err != nil {
					t.Fatal(err)
				}
				if batch = append(batch, e); len(batch) < 10 {
					continue
				}
				if err := j.Write(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
				batch = nil
				time.Sleep(10 * time.Second)
			}
			if st := ship.Stats(); life < 3 && (st.Delivered != 0 || st.Circuit != sink.CircuitOpen) {
				t.Errorf("within the hour: %+v", st)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if life < 3 { // ends within the outage: what waits goes on with the next life
				cancel()
			} else if err := ship.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			_ = ship.Close(ctx)
			cancel()
			if err := j.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(began); d < time.Hour {
			t.Errorf("it took %v: no outage", d)
		}
		arrived(t, w, each, each, each, each)
	})
}

// Without a journal the queue's memory keeps the hour.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.srv.SetFault(outage())
		q, err := sink.NewQueue(keepOpen{w.sink}, &sink.QueueOptions{OnError: func(error) {}, MaxBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		const total = 4000
		for i := range total {
			q.Enqueue(numbered(now.Add(time.Since(began)), 0, i))
			time.Sleep(time.Second)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if st := q.Stats(); st.Delivered != total || st.DroppedTotal() != 0 {
			t.Fatalf("%+v", st)
		}
		arrived(t, w, total)
	})
}

// keepOpen is the same sink for one Ship after the other.
type keepOpen struct{ sink.Sink }

// Close leaves the sink open.
func (keepOpen) Close(context.Context) error { return nil }

// TakesLines implements [sink.LineTaker].
func (k keepOpen) TakesLines() bool { return sink.TakesLines(k.Sink) }

// What a person has to mend costs no entry, however long it takes: nothing becomes a
// dead letter, who closes meanwhile is not held up, and it goes on by itself soon after.
func TestMends(t *testing.T) {
	for name, fault := range map[string]gcltest.Fault{
		"no permission":             {Code: codes.PermissionDenied},
		"no credentials":            {Code: codes.Unauthenticated},
		"no project":                {Code: codes.NotFound},
		"a project being deleted":   {Code: codes.InvalidArgument},
		"no billing":                {Code: codes.FailedPrecondition},
		"something else":            {Code: codes.Unimplemented},
		"a quota, and in ten hours": {Code: codes.ResourceExhausted, RetryAfter: 10 * time.Hour},
		"no answer":                 {Delay: 3 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				dir := t.TempDir()
				w.srv.SetFault(func(method string, _ int) gcltest.Fault {
					if method == "WriteLogEntries" {
						return fault
					}
					return gcltest.Fault{}
				})
				for life := range 2 { // the first ends while nothing works
					j, err := journalsink.Open(dir, &journalsink.Options{SyncEvery: time.Hour})
					if err != nil {
						t.Fatal(err)
					}
					spool, err := j.Spool(nil)
					if err != nil {
						t.Fatal(err)
					}
					ship, err := sink.NewShip(spool, keepOpen{w.sink}, &sink.ShipOptions{Name: "cloud", Poll: time.Minute, OnError: func(error) {}})
					if err != nil {
						t.Fatal(err)
					}
					var batch []*entry.Entry
					for i := range 30 {
						e := numbered(now, life, i)
						if err := e.Seal(nil); err != nil {
							t.Fatal(err)
						}
						batch = append(batch, e)
					}
					if err := j.Write(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
					time.Sleep(15 * time.Minute)
					if st := ship.Stats(); st.Delivered != 0 || st.DeadLetters != 0 || st.DroppedTotal() != 0 || st.LastError == "" {
						t.Errorf("%+v", st)
					}
					began := time.Now()
					if life == 0 {
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
						if err := ship.Close(ctx); !errors.Is(err, sink.ErrLeft) {
							t.Errorf("Close gives %v", err)
						}
						cancel()
						if d := time.Since(began); d > 6*time.Second {
							t.Errorf("Close took %v", d)
						}
					} else {
						w.srv.SetFault(nil)
						if err := ship.Flush(t.Context()); err != nil {
							t.Error(err)
						}
						if d := time.Since(began); d > 70*time.Minute {
							t.Errorf("mended, it went on after %v", d)
						}
						if err := ship.Close(t.Context()); err != nil {
							t.Error(err)
						}
					}
					if err := j.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				r, err := w.src.Find(t.Context(), query.Filter{})
				if err != nil || len(r.Entries) != 60 {
					t.Errorf("%v, %v", r, err)
				}
			})
		})
	}
}
