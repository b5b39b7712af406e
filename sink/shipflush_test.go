package sink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// A Flush waits for what was there when it was called, and not for as many others: an
// entry that the sink has put off is waited for, whatever else has been settled.
func TestShipFlushWaitsForItsPlace(t *testing.T) {
	for name, between := range map[string]func(*spool){
		"others delivered": func(s *spool) { s.entries = append(s.entries, sinktest.Samples(1, 4)...) },
		"others damaged":   func(s *spool) { s.damaged = 7 },
		"others lost":      func(s *spool) { s.gap = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &faulty{fault: func(_ context.Context, n int, batch []*entry.Entry) error {
					for i, e := range batch {
						if n == 0 && e.InsertID == sinktest.Sample(0).InsertID {
							return &sink.PartialError{Failed: []sink.Failure{{Index: i, Err: sink.Retryable(errors.New("busy"), time.Minute)}}}
						}
					}
					return nil
				}}
				sp := newSpool()
				sp.add(sinktest.Sample(0))
				sp.onNext = func(s *spool) { // after the look, before it is read
					s.onNext = nil
					between(s)
				}
				h := newShip(t, sp, f, &sink.ShipOptions{MaxAge: time.Hour})
				begun := time.Now()
				err := h.Flush(t.Context())
				var drop *sink.DropError
				if err != nil && !errors.As(err, &drop) {
					t.Error(err)
				}
				if d := time.Since(begun); d < time.Minute {
					t.Errorf("after %s, when the sink has %v", d, shippedIDs(f.Entries()))
				}
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
