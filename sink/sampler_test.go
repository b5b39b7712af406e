package sink_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// What a Filter has left out proves nothing, also if it would say otherwise of it the next
// time: a sink that refuses everything costs no entry behind one that takes a sample.
func TestSampleProvesNothing(t *testing.T) {
	for name, wrap := range map[string]func(s sink.Sink, keep func(*entry.Entry) bool) sink.Sink{
		"alone": sink.Filter,
		"wrapped": func(s sink.Sink, keep func(*entry.Entry) bool) sink.Sink {
			return sink.WithName(sink.Filter(s, keep), "other")
		},
		"two": func(s sink.Sink, keep func(*entry.Entry) bool) sink.Sink {
			return sink.Filter(sink.WithName(sink.Filter(s, keep), "inner"), keep)
		},
		"behind all": func(s sink.Sink, keep func(*entry.Entry) bool) sink.Sink {
			return sink.Filter(sink.Filter(s, keep), func(*entry.Entry) bool { return true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mended atomic.Bool
				f := &faulty{fault: func(context.Context, int, []*entry.Entry) error {
					if !mended.Load() {
						return sink.Permanent(errors.New("forbidden"))
					}
					return nil
				}}
				r := rand.New(rand.NewPCG(1, 2))
				sp := newSpool()
				sp.add(sinktest.Samples(0, 500)...)
				h := newShip(t, sp, wrap(f, func(*entry.Entry) bool { return r.IntN(2) == 0 }), &sink.ShipOptions{Name: "cloud", MaxBatch: 100})
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if s := h.Stats(); s.DroppedTotal() != 0 || s.DeadLetters != 0 {
					t.Errorf("dropped %v, %d dead letters, %d wait, of a sink that refuses everything", s.Dropped, s.DeadLetters, s.Waiting)
				}
				mended.Store(true)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if s := shipBalance(t, h); s.DroppedTotal() != 0 || s.Waiting != 0 || s.Circuit != sink.CircuitClosed {
					t.Errorf("mended: dropped %v, %d wait, circuit %s", s.Dropped, s.Waiting, s.Circuit)
				}
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A long row that a Filter leaves out, behind one that the sink refuses, is passed in few
// steps, and the one behind it that the sink accepts is found.
func TestFilteredRowIsPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := sinktest.Samples(0, 1501)
		bad, good := all[0].InsertID, all[1500].InsertID
		f := &faulty{fault: func(_ context.Context, _ int, batch []*entry.Entry) error {
			for _, e := range batch {
				if e.InsertID == bad {
					return sink.Permanent(errors.New("bad"))
				}
			}
			return nil
		}}
		sp := newSpool()
		sp.add(all[:1500]...)
		h := newShip(t, sp, sink.Filter(f, func(e *entry.Entry) bool { return e.InsertID == bad || e.InsertID == good }),
			&sink.ShipOptions{Name: "cloud", MaxBatch: 1, RetryMin: time.Second, RetryMax: time.Second})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		sp.set(func() {
			if most := 20 * 2 * (1500/500 + 2); sp.peeks > most {
				t.Errorf("peeked %d times in 20 rounds, want at most %d", sp.peeks, most)
			}
		})
		sp.add(all[1500])
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if s := shipBalance(t, h); s.Dropped[sink.DropRefused] != 1 || s.Waiting != 0 {
			t.Errorf("dropped %v, %d wait, want the bad one dropped and none waiting", s.Dropped, s.Waiting)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
