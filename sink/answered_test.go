package sink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// A sink whose PartialError speaks of entries that it was not given, or of none, has
// said nothing that can be believed: nothing counts as delivered, and all comes again.
func TestPartialErrorOutOfRange(t *testing.T) {
	never := sink.Permanent(errors.New("never"))
	for name, bad := range map[string]*sink.PartialError{
		"beyond":          {Failed: []sink.Failure{{Index: 3, Err: never}}},
		"before":          {Failed: []sink.Failure{{Index: -1, Err: errors.New("busy")}}},
		"one of two":      {Failed: []sink.Failure{{Index: 0, Err: never}, {Index: 500, Err: never}}},
		"without entries": {},
	} {
		for how, wrap := range map[string]func(sink.Sink) sink.Sink{
			"alone": func(s sink.Sink) sink.Sink { return s },
			"filtered": func(s sink.Sink) sink.Sink {
				return sink.Filter(s, func(e *entry.Entry) bool { return e.Logger != "left out" })
			},
			"fanout": func(s sink.Sink) sink.Sink { return sink.Fanout(s, &sinktest.Memory{}) },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					want := shippedIDs(sinktest.Samples(0, 3))

					f := &liar{bad: bad}
					sp := newSpool()
					sp.add(sinktest.Samples(0, 3)...)
					left := sinktest.Unsealed(3)
					left.Logger = "left out"
					if how == "filtered" {
						sp.add(sinktest.Seal(left))
					}
					h := newShip(t, sp, wrap(f), nil)
					if err := h.Flush(t.Context()); err != nil {
						t.Errorf("Ship: %v", err)
					}
					if diff := cmp.Diff(want, shippedIDs(f.Entries())); diff != "" || len(sp.dead) > 0 {
						t.Errorf("Ship: %d dead letters, %s", len(sp.dead), diff)
					}
					if err := h.Close(t.Context()); err != nil {
						t.Error(err)
					}

					f = &liar{bad: bad}
					q := newQueue(t, wrap(f), &sink.QueueOptions{OnError: func(error) {}})
					for i := range 3 {
						q.Enqueue(logEntry(i))
					}
					if err := q.Flush(t.Context()); err != nil {
						t.Errorf("Queue: %v", err)
					}
					if n := len(f.Entries()); n != 3 || q.Stats().Retries != 1 {
						t.Errorf("Queue: %d entries, %+v", n, q.Stats())
					}
					mustClose(t, q)
				})
			})
		}
	}
}

// liar is a sink that says nonsense of the first batch, of which it takes nothing.
type liar struct {
	sinktest.Memory
	bad  error
	said bool
}

func (l *liar) Write(ctx context.Context, batch []*entry.Entry) error {
	if !l.said {
		l.said = true
		return l.bad
	}
	return l.Memory.Write(ctx, batch)
}
