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

// surveyed is a spool that can be looked at without being taken over.
type surveyed struct {
	*spool
	fault error // of Survey
}

func (s *surveyed) Survey(_ context.Context, name string) (sink.Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b sink.Backlog
	for _, e := range s.entries[s.places[name]:] {
		b.Entries++
		b.Bytes += int64(len(e.Line()))
	}
	return b, s.fault
}

// What waits in a spool that can not be taken over is in the account, and Close says so.
func TestShipNeverAttached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("a folder is in the way")
		sp := &surveyed{spool: newSpool()}
		sp.spool.fault = broken
		sp.add(sinktest.Samples(0, 3)...)
		h := newShip(t, sp, &faulty{}, &sink.ShipOptions{RetryMin: 30 * time.Second, RetryMax: 30 * time.Second})
		synctest.Wait()
		s := shipBalance(t, h)
		if s.Waiting != 3 || s.Captured != 3 || s.Unknown || s.Attached || s.Standby || s.LastError != broken.Error() {
			t.Errorf("%+v", s)
		}
		// It is looked at more often than it is tried, and what waits grows old.
		sp.add(sinktest.Samples(3, 2)...)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s = shipBalance(t, h); s.Waiting != 5 || s.Lag < 5*time.Second {
			t.Errorf("%+v", s)
		}
		sp.set(func() { sp.fault = errors.New("permission denied") })
		time.Sleep(2 * time.Second)
		if s = shipBalance(t, h); !s.Unknown || s.Waiting != 5 {
			t.Errorf("%+v", s)
		}
		sp.set(func() { sp.fault = nil })
		err := h.Close(t.Context())
		if !errors.Is(err, sink.ErrLeft) {
			t.Errorf("closed with %v", err)
		}
		if want := "sink: entries wait in the spool for the next start: 5 for cloud: a folder is in the way"; err.Error() != want {
			t.Errorf("closed with %q, want %q", err, want)
		}
		if s = shipBalance(t, h); s.Waiting != 5 {
			t.Errorf("%+v", s)
		}
	})
}

// Where nobody can count, the account says that it does not know, until it does.
func TestShipUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		sp.fault = errors.New("permission denied")
		sp.add(sinktest.Samples(0, 3)...)
		h := newShip(t, sp, &faulty{}, nil)
		synctest.Wait()
		if s := shipBalance(t, h); !s.Unknown || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		if err := h.Close(t.Context()); !errors.Is(err, sink.ErrLeft) {
			t.Errorf("closed with %v", err)
		}

		sp.set(func() { sp.fault = nil })
		f := &faulty{}
		h = newShip(t, sp, f, nil)
		if err := h.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if s := shipBalance(t, h); s.Unknown || s.Delivered != 3 {
			t.Errorf("%+v", s)
		}
		// One that stands by knows whose business it is.
		second := newShip(t, sp, &faulty{}, nil)
		synctest.Wait()
		if s := shipBalance(t, second); s.Unknown || !s.Standby {
			t.Errorf("%+v", s)
		}
		if err := errors.Join(second.Close(t.Context()), h.Close(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// Close delivers what was there when it began; what another process goes on writing into
// the spool does not hold it up, and is not its own to complain of.
func TestShipCloseLeavesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		f := &faulty{fault: func(context.Context, int, []*entry.Entry) error { time.Sleep(60 * time.Millisecond); return nil }}
		h := newShip(t, sp, f, &sink.ShipOptions{Poll: time.Hour, MaxAge: time.Hour})
		synctest.Wait()
		sp.add(sinktest.Samples(0, 20)...)
		stop := make(chan struct{})
		go func() {
			for i := 20; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					sp.add(sinktest.Sample(i))
				}
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		begun := time.Now()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > 200*time.Millisecond {
			t.Errorf("it took %s", d)
		}
		close(stop)
		if s := shipBalance(t, h); s.Delivered < 20 {
			t.Errorf("%+v", s)
		}
	})
}
