package sink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// ownError is an error type whose nil pointer is no usable error.
type ownError struct{ text string }

func (e *ownError) Error() string { return e.text }

// TestUnsoundErrors: a sink's error that panics when it is asked for its text or
// its kind counts as a panic of the sink. It must not end the process.
func TestUnsoundErrors(t *testing.T) {
	for name, bad := range map[string]error{
		"a nil pointer":                     (*ownError)(nil),
		"a nil partial error":               (*sink.PartialError)(nil),
		"a nil pointer marked":              sink.Retryable((*ownError)(nil), 0),
		"a nil pointer in a partial error":  &sink.PartialError{Failed: []sink.Failure{{Index: 0, Err: (*ownError)(nil)}}},
		"a nil partial in a partial error":  &sink.PartialError{Failed: []sink.Failure{{Index: 0, Err: (*sink.PartialError)(nil)}}},
		"a nil pointer joined with another": errors.Join(errors.New("down"), (*ownError)(nil)),
	} {
		for _, fan := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var s sink.Sink = &faulty{fault: func(context.Context, int, []*entry.Entry) error { return bad }}
					other := &sinktest.Memory{}
					if fan {
						s = sink.Fanout(s, other)
					}
					log := &errorLog{}
					q := newQueue(t, blunt{s, bad}, &sink.QueueOptions{OnError: log.add})
					for i := range 3 {
						q.Enqueue(logEntry(i))
					}
					if err := q.Flush(t.Context()); err == nil {
						t.Error("Flush says that all went well")
					}
					if st := q.Stats(); st.Dropped[sink.DropRefused] != 3 || st.LastError == "" {
						t.Errorf("Stats = %+v, want 3 refused", st)
					} else if err := balance(st); err != nil {
						t.Error(err)
					}
					if n := len(other.Entries()); fan && n < 3 {
						t.Errorf("the other sink has %d entries, want 3", n)
					}
					if err := q.Close(context.Background()); err == nil {
						t.Error("Close says that all went well")
					}
				})
			})
		}
	}
}

// blunt closes with an error of its own.
type blunt struct {
	sink.Sink
	err error
}

func (b blunt) Close(ctx context.Context) error {
	return errors.Join(b.Sink.Close(ctx), b.err)
}
