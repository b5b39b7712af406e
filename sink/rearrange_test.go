package sink_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// A sink that sorts or filters its batch in place, and then fails, costs no entry, and
// the process least of all.
func TestRearrangedBatch(t *testing.T) {
	meddle := func(_ context.Context, n int, batch []*entry.Entry) error {
		switch n {
		case 0:
			slices.Reverse(batch)
			return errors.New("after sorting")
		case 1:
			clear(batch)
			return errors.New("after clearing")
		case 2:
			batch[2] = batch[0]
			return &sink.PartialError{Failed: []sink.Failure{{Index: 0, Err: errors.New("not now")}, {Index: 2, Err: errors.New("not now")}}}
		}
		return nil
	}
	t.Run("Queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &faulty{fault: meddle}
			q := newQueue(t, s, &sink.QueueOptions{OnError: func(error) {}})
			for i := range 3 {
				q.Enqueue(logEntry(i))
			}
			if err := q.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			mustClose(t, q)
			tried := s.tried()
			if n := len(tried); n < 4 {
				t.Fatalf("%d writes", n)
			}
			ids := tried[0]
			if diff := cmp.Diff([][]string{ids, ids, ids, {ids[0], ids[2]}}, tried); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("Ship", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sp := newSpool()
			ids := make([]string, 3)
			for i := range ids {
				e := logEntry(i)
				e.InsertID = string(rune('a' + i))
				if err := e.Seal(nil); err != nil {
					t.Fatal(err)
				}
				ids[i] = e.InsertID
				sp.add(e)
			}
			s := &faulty{fault: meddle}
			h := newShip(t, sp, s, nil)
			if err := h.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			shipBalance(t, h)
			if diff := cmp.Diff([][]string{ids, ids, ids, {ids[0], ids[2]}}, s.tried()); diff != "" {
				t.Error(diff)
			}
		})
	})
}
