package sink_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// refuser refuses for good whatever has a bad entry in it, and everything while it is
// broken. It names the bad ones or all, or none.
type refuser struct {
	faulty
	bad    map[string]bool
	broken func() bool // nil: never
	named  string      // "": none; "bad", "all"
}

func newRefuser(named string, bad ...*entry.Entry) *refuser {
	r := &refuser{named: named, bad: map[string]bool{}}
	for _, e := range bad {
		r.bad[e.InsertID] = true
	}
	why := sink.Permanent(errors.New("400"))
	r.fault = func(_ context.Context, _ int, batch []*entry.Entry) error {
		broken := r.broken != nil && r.broken()
		partial := &sink.PartialError{}
		for i, e := range batch {
			if broken || r.bad[e.InsertID] {
				partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: why})
			}
		}
		switch {
		case len(partial.Failed) == 0:
			return nil
		case r.named == "bad":
			return partial
		case r.named == "all":
			partial.Failed = partial.Failed[:0]
			for i := range batch {
				partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: why})
			}
			return partial
		}
		return why
	}
	return r
}

// arrived returns the InsertIDs of what the sink has, without gap entries.
func arrived(entries []*entry.Entry) []string {
	ids := []string{}
	for _, e := range entries {
		if e.Kind != entry.KindGap {
			ids = append(ids, e.InsertID)
		}
	}
	return ids
}

func letterIDs(letters []sink.DeadLetter) []string {
	ids := []string{}
	for i := range letters {
		ids = append(ids, letters[i].Entry.InsertID)
	}
	return ids
}

// However many bad entries follow one another, and however the sink says so, they become
// dead letters and all others arrive, once. What was last and bad waits for the next one.
func TestShipManyBad(t *testing.T) {
	for _, named := range []string{"", "bad", "all"} {
		for _, tt := range []struct{ before, bad, after int }{
			{0, 1, 1}, {0, 8, 1}, {3, 9, 3}, {10, 30, 100}, {50, 250, 7}, {1, 1000, 1},
		} {
			if tt.bad > 500 && named != "" {
				continue
			}
			t.Run(fmt.Sprintf("named %q, %d bad", named, tt.bad), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					all := sinktest.Samples(0, tt.before+tt.bad+tt.after)
					bad := all[tt.before : tt.before+tt.bad]
					sp := newSpool()
					sp.add(all...)
					f := newRefuser(named, bad...)
					h := newShip(t, sp, f, &sink.ShipOptions{MaxBatch: 100})
					begun := time.Now()
					good := tt.before + tt.after
					for {
						time.Sleep(10 * time.Second)
						shipBalance(t, h)
						if len(sp.letters()) == tt.bad && h.Stats().Waiting == 0 {
							break
						}
						if time.Since(begun) > time.Hour {
							t.Fatalf("after an hour %d of %d bad are given up, and %d of %d good have arrived: %+v",
								len(sp.letters()), tt.bad, len(arrived(f.Entries())), good, h.Stats())
						}
						sp.add(sinktest.Sample(10_000 + good))
						good++
					}
					letters := letterIDs(sp.letters())
					slices.Sort(letters)
					if diff := cmp.Diff(shippedIDs(bad), letters); diff != "" {
						t.Error(diff)
					}
					seen := map[string]bool{}
					for _, id := range arrived(f.Entries()) {
						if f.bad[id] {
							t.Errorf("%s is bad, and arrived", id)
						}
						seen[id] = true
					}
					// The one by which the sink was asked may come again.
					if n := len(arrived(f.Entries())); len(seen) != good || n > good+tt.bad/50 {
						t.Errorf("%d good arrived, %d in all, of %d", len(seen), n, good)
					}
					if err := h.Close(t.Context()); err != nil {
						t.Error(err)
					}
					s := shipBalance(t, h)
					if s.Delivered != int64(good) || s.Dropped[sink.DropRefused] != int64(tt.bad) || s.Waiting != 0 {
						t.Errorf("%+v", s)
					}
					t.Logf("%s, %d writes", time.Since(begun), len(f.tried()))
				})
			})
		}
	}
}

// A sink that refuses everything has a fault of its own, however it says so: nothing is
// given up, whatever it leaves out by itself meanwhile, and all goes on in order when it
// is mended.
func TestShipRefusesAll(t *testing.T) {
	for _, named := range []string{"", "bad"} {
		for _, filtered := range []bool{false, true} {
			t.Run(fmt.Sprintf("named %q, filtered %v", named, filtered), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sp := newSpool()
					all := sinktest.Samples(0, 600)
					sp.add(all[:550]...)
					cured := time.Now().Add(time.Hour)
					f := newRefuser(named)
					f.broken = func() bool { return time.Now().Before(cured) }
					var s sink.Sink = f
					want := shippedIDs(all)
					if filtered {
						s = sink.WithName(sink.Filter(s, func(e *entry.Entry) bool { return !strings.HasSuffix(e.InsertID, "7") }), "x")
						want = nil
						for _, e := range all {
							if !strings.HasSuffix(e.InsertID, "7") {
								want = append(want, e.InsertID)
							}
						}
					}
					var log errorLog
					h := newShip(t, sp, s, &sink.ShipOptions{OnError: log.add})
					for i := range 50 {
						time.Sleep(30 * time.Second)
						sp.add(all[550+i])
						shipBalance(t, h)
					}
					st := shipBalance(t, h)
					if st.Circuit != sink.CircuitOpen || st.Dropped[sink.DropRefused] != 0 || len(sp.letters()) != 0 || len(f.Entries()) != 0 {
						t.Errorf("%+v", st)
					}
					if n := len(f.tried()); n > 200 {
						t.Errorf("%d attempts in 25 minutes", n)
					}
					if said := fmt.Sprint(log.all()); !strings.Contains(said, "misconfigured") || !strings.Contains(said, "400") {
						t.Errorf("told %s", said)
					}
					time.Sleep(time.Hour)
					if st := shipBalance(t, h); st.Delivered != int64(len(all)) || st.Circuit != sink.CircuitClosed || len(sp.letters()) > 0 {
						t.Errorf("%+v", st)
					}
					if diff := cmp.Diff(want, arrived(f.Entries())); diff != "" {
						t.Error(diff)
					}
					if err := h.Close(t.Context()); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// One bad entry with nothing behind it is kept, since nothing is known of the sink; the
// next entry decides, at once.
func TestShipLastIsBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		f := newRefuser("", sinktest.Sample(2))
		var log errorLog
		h := newShip(t, sp, f, &sink.ShipOptions{OnError: log.add})
		sp.add(sinktest.Samples(0, 3)...)
		time.Sleep(time.Hour)
		if s := shipBalance(t, h); s.Delivered != 2 || s.Waiting != 1 || len(sp.letters()) > 0 {
			t.Errorf("%+v", s)
		}
		if n := len(f.tried()); n > 3*120 {
			t.Errorf("%d attempts in an hour", n)
		}
		if said := fmt.Sprint(log.all()); strings.Contains(said, "misconfigured") || !strings.Contains(said, "kept until") {
			t.Errorf("told %s", said)
		}
		sp.add(sinktest.Sample(3))
		time.Sleep(time.Second)
		s := shipBalance(t, h)
		if s.Delivered != 3 || s.DeadLetters != 1 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		if diff := cmp.Diff([]string{sinktest.Sample(0).InsertID, sinktest.Sample(1).InsertID, sinktest.Sample(3).InsertID}, arrived(f.Entries())); diff != "" {
			t.Error(diff)
		}
		sp.add(sinktest.Sample(2)) // again
		time.Sleep(time.Minute)
		if s := shipBalance(t, h); s.Waiting != 1 || s.DeadLetters != 1 {
			t.Errorf("%+v", s)
		}
		// Somebody waits for it: the sink is asked with the last one.
		begun := time.Now()
		var drop *sink.DropError
		if err := h.Flush(t.Context()); !errors.As(err, &drop) || drop.Count != 1 || time.Since(begun) > time.Second {
			t.Errorf("flushed after %s with %v", time.Since(begun), err)
		}
		last := sinktest.Sample(3).InsertID
		if diff := cmp.Diff([]string{last, last}, arrived(f.Entries())[2:]); diff != "" {
			t.Error(diff)
		}
		sp.add(sinktest.Sample(2))
		time.Sleep(time.Minute)
		begun = time.Now()
		if err := h.Close(t.Context()); err != nil || time.Since(begun) > 2*time.Second || len(sp.letters()) != 3 {
			t.Errorf("closed after %s with %v, %d letters", time.Since(begun), err, len(sp.letters()))
		}

		// Of a sink that has accepted nothing yet nothing is known.
		sp.add(sinktest.Sample(2))
		h = newShip(t, sp, f, nil)
		time.Sleep(time.Minute)
		begun = time.Now()
		if err := h.Close(t.Context()); !errors.Is(err, sink.ErrLeft) || !strings.Contains(err.Error(), "400") || time.Since(begun) > 2*time.Second {
			t.Errorf("closed after %s with %v", time.Since(begun), err)
		}
	})
}

// A good one between bad ones is found, also where nothing more comes.
func TestShipGoodBetweenBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := sinktest.Samples(0, 61)
		bad := append(append([]*entry.Entry{}, all[:40]...), all[41:]...)
		sp := newSpool()
		sp.add(all...)
		f := newRefuser("", bad...)
		h := newShip(t, sp, f, &sink.ShipOptions{MaxBatch: 20})
		time.Sleep(2 * time.Hour)
		// It may come twice: it is the only one by which the sink can be asked.
		if got := arrived(f.Entries()); len(got) == 0 || len(got) > 3 || len(sp.letters()) < 40 {
			t.Errorf("arrived %v, %d letters", got, len(sp.letters()))
		}
		if err := h.Close(t.Context()); err != nil || len(sp.letters()) != 60 {
			t.Error(err, len(sp.letters()))
		}
	})
}

// doubtSeeds is small so that the plain test run stays short.
var doubtSeeds = flag.Int("doubt-seeds", 8, "how many runs TestShipDoubtAtRandom makes")

// Whatever happens, in the end every good entry has arrived once, and every bad one is a
// dead letter, and of the good ones none.
func TestShipDoubtAtRandom(t *testing.T) {
	for seed := range uint64(*doubtSeeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				all := sinktest.Samples(0, 20+r.IntN(400))
				var bad []*entry.Entry
				for i := 0; i < len(all)-1; {
					n := 1 + r.IntN(30)
					if r.IntN(2) == 0 {
						bad = append(bad, all[i:min(i+n, len(all)-1)]...)
					}
					i += n
				}
				f := newRefuser([]string{"", "bad", "all"}[r.IntN(3)], bad...)
				begun := time.Now()
				f.broken = func() bool { // for the first half of each 20 minutes, for an hour
					d := time.Since(begun)
					return d < time.Hour && d%(20*time.Minute) < 10*time.Minute
				}
				inner := f.fault
				faults := rand.New(rand.NewPCG(seed, 2))
				f.fault = func(ctx context.Context, n int, batch []*entry.Entry) error {
					if faults.IntN(10) == 0 {
						return errors.New("connection refused")
					}
					return inner(ctx, n, batch)
				}
				sp := newSpool()
				h := newShip(t, sp, f, &sink.ShipOptions{MaxBatch: 20 + r.IntN(80), Poll: time.Minute})
				for _, e := range all {
					sp.add(e)
					time.Sleep(time.Duration(r.IntN(20)) * time.Second)
					shipBalance(t, h)
				}
				for i := range 6 * 60 {
					time.Sleep(time.Minute)
					if i%20 == 0 {
						all = append(all, sinktest.Sample(10_000+i))
						sp.add(all[len(all)-1])
					}
				}
				s := shipBalance(t, h)
				if s.Waiting != 0 || len(sp.letters()) != len(bad) {
					t.Errorf("%d letters, want %d: %+v", len(sp.letters()), len(bad), s)
				}
				seen := map[string]int{}
				for _, id := range arrived(f.Entries()) {
					seen[id]++
				}
				twice := 0 // those that had to be asked with
				for _, e := range all {
					n := seen[e.InsertID]
					if f.bad[e.InsertID] == (n > 0) {
						t.Errorf("%s arrived %d times", e.InsertID, n)
					}
					twice += max(0, n-1)
				}
				if twice > len(bad)/8+2 {
					t.Errorf("%d arrived again, for %d bad ones", twice, len(bad))
				}
				for _, l := range sp.letters() {
					if !f.bad[l.Entry.InsertID] {
						t.Errorf("%s is good, and a dead letter", l.Entry.InsertID)
					}
				}
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
