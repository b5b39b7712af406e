package sink_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

// gapsOf returns the gap entries among what a sink has.
func gapsOf(entries []*entry.Entry) (gaps []*entry.Entry) {
	for _, e := range entries {
		if e.Kind == entry.KindGap {
			gaps = append(gaps, e)
		}
	}
	return gaps
}

// ofTx returns a sample of a transaction.
func ofTx(i int, id txid.ID, at time.Time) *entry.Entry {
	e := sinktest.Unsealed(i)
	e.TxID, e.Time = id, at
	return sinktest.Seal(e)
}

// What a sink refuses leaves a gap entry in its stream, which says how many, of which
// transaction, and where they are kept.
func TestShipTellsOfDeadLetters(t *testing.T) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprintf("kept %v", kept), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sp := newSpool()
				reason := "refused, kept in the graveyard"
				if !kept {
					sp.buryErr, reason = errors.New("disk full"), "refused"
				}
				at := time.Now().UTC()
				all := []*entry.Entry{
					ofTx(0, "transaction-a", at), ofTx(1, "transaction-a", at.Add(time.Second)),
					ofTx(2, "transaction-b", at.Add(2*time.Second)), ofTx(3, "transaction-a", at.Add(3*time.Second)),
					ofTx(4, "transaction-c", at.Add(4*time.Second)),
				}
				sp.add(all...)
				f := newRefuser("bad", all[1], all[2], all[3])
				h := newShip(t, sp, f, &sink.ShipOptions{Resource: &entry.Resource{Service: "web"}})
				_ = h.Flush(t.Context())
				got := f.Entries()
				if diff := cmp.Diff([]string{all[0].InsertID, all[4].InsertID}, arrived(got)); diff != "" {
					t.Error(diff)
				}
				want := []entry.Gap{
					{Count: 2, Bytes: int64(len(all[1].Line()) + len(all[3].Line())), Reason: reason, From: all[1].Time, To: all[3].Time},
					{Count: 1, Bytes: int64(len(all[2].Line())), Reason: reason, From: all[2].Time, To: all[2].Time},
				}
				gaps := gapsOf(got)
				var have []entry.Gap
				for _, g := range gaps {
					have = append(have, *g.Gap)
				}
				if diff := cmp.Diff(want, have); diff != "" {
					t.Fatal(diff)
				}
				if g := gaps[0]; g.TxID != "transaction-a" || g.Message != "2 entries lost: "+reason || g.Resource.Service != "web" || !g.Time.Equal(all[1].Time) || g.Severity != entry.SeverityWarning {
					t.Errorf("%+v", g)
				}
				if s := shipBalance(t, h); s.Gaps != 2 || s.Delivered != 2 || s.Dropped[sink.DropRefused] != 3 || s.Captured != 5 {
					t.Errorf("%+v", s)
				}
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A gap entry that is refused itself is counted, and no other is made of it.
func TestShipGapRefused(t *testing.T) {
	for _, named := range []string{"", "bad"} {
		t.Run(named, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sp := newSpool()
				all := sinktest.Samples(0, 10)
				sp.add(all...)
				sp.damaged = 3
				f := newRefuser(named, all[4])
				inner := f.fault
				f.fault = func(ctx context.Context, n int, batch []*entry.Entry) error {
					for _, e := range batch {
						if e.Kind == entry.KindGap {
							f.bad[e.InsertID] = true
						}
					}
					return inner(ctx, n, batch)
				}
				h := newShip(t, sp, f, nil)
				time.Sleep(time.Minute)
				sp.add(sinktest.Sample(10))
				time.Sleep(time.Hour)
				s := shipBalance(t, h)
				if s.GapsLost != 2 || s.Gaps != 0 || s.Delivered != 10 || s.DeadLetters != 1 || s.Waiting != 0 {
					t.Errorf("%+v", s)
				}
				if diff := cmp.Diff([]string{all[4].InsertID}, letterIDs(sp.letters())); diff != "" {
					t.Error(diff)
				}
				if n := len(f.tried()); n > 40 {
					t.Errorf("%d attempts", n)
				}
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Gap entries are bounded, however many transactions lose something.
func TestShipGapsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		var all, bad []*entry.Entry
		for i := range 400 {
			all = append(all, ofTx(i, txid.ID(fmt.Sprintf("transaction-%04d", i)), time.Now()))
		}
		bad = all[:300]
		sp.add(all...)
		f := newRefuser("bad", bad...)
		h := newShip(t, sp, f, nil)
		_ = h.Flush(t.Context())
		gaps := gapsOf(f.Entries())
		var sum int64
		for _, g := range gaps {
			sum += g.Gap.Count
		}
		if len(gaps) != 65 || sum != 300 || gaps[64].TxID != "" {
			t.Errorf("%d gap entries tell of %d", len(gaps), sum)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What can not be read in the spool leaves a gap entry where it was, also where nothing
// follows.
func TestShipTellsOfDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp, mem := newSpool(), &sinktest.Memory{}
		sp.damaged = 3
		sp.add(sinktest.Samples(0, 2)...)
		h := newShip(t, sp, mem, nil)
		_ = h.Flush(t.Context())
		sp.set(func() { sp.damaged, sp.lines = 1, 1 })
		time.Sleep(time.Minute)
		got := mem.Entries()
		gaps := gapsOf(got)
		if len(gaps) != 2 || got[0] != gaps[0] || gaps[0].Message != "3 entries lost: damaged" || !gaps[0].Time.Equal(got[1].Time) ||
			gaps[1].Gap.Count != 1 || gaps[0].InsertID == gaps[1].InsertID || gaps[1].InsertID == "" {
			t.Errorf("%v", shippedIDs(got))
		}
		if s := shipBalance(t, h); s.Dropped[sink.DropDamaged] != 4 || s.Gaps != 2 || s.Captured != 6 {
			t.Errorf("%+v", s)
		}
		// A spool that knows where it was is told of by the same entry again.
		for range 2 {
			sp.set(func() { sp.damaged, sp.damagedAt, sp.lines = 1, "file:317", 1 })
			time.Sleep(time.Minute)
		}
		gaps = gapsOf(mem.Entries())
		if len(gaps) != 4 || gaps[2].InsertID != gaps[3].InsertID || gaps[2].InsertID == gaps[1].InsertID {
			t.Errorf("%v", shippedIDs(gaps))
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What was given up is not committed before the sink has been told of it: who comes
// after a crash tells it, as the same entry.
func TestShipGapSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sp := newSpool()
		all := sinktest.Samples(0, 5)
		sp.add(all...)
		gone := false
		f := newRefuser("bad", all[0], all[2])
		var seen []string
		f.fault = func(fault func(context.Context, int, []*entry.Entry) error) func(context.Context, int, []*entry.Entry) error {
			return func(ctx context.Context, n int, batch []*entry.Entry) error {
				if gone {
					for _, e := range batch {
						seen = append(seen, e.InsertID)
					}
					return errors.New("down")
				}
				gone = true
				return fault(ctx, n, batch)
			}
		}(f.fault)
		h := newShip(t, sp, f, nil)
		time.Sleep(time.Second)
		_ = h.Close(t.Context())
		if sp.places["cloud"] != 0 || len(seen) == 0 || len(gapsOf(f.Entries())) > 0 {
			t.Fatalf("%d committed, sent %v", sp.places["cloud"], seen)
		}
		next := newRefuser("bad", all[0], all[2])
		h = newShip(t, sp, next, nil)
		_ = h.Flush(t.Context())
		gaps := shippedIDs(gapsOf(next.Entries()))
		if diff := cmp.Diff(seen[:1], gaps); diff != "" {
			t.Error(diff)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
