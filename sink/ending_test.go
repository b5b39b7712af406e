package sink

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// emptySpool holds nothing.
type emptySpool struct{}

func (emptySpool) Attach(context.Context, string) (Feed, error) { return emptyFeed{}, nil }

type emptyFeed struct{}

func (emptyFeed) Look(context.Context) (Backlog, error)                   { return Backlog{}, nil }
func (emptyFeed) Mark() Mark                                              { return never{} }
func (emptyFeed) Next(context.Context, *SpoolBatch) error                 { return nil }
func (emptyFeed) Commit(context.Context, int) error                       { return nil }
func (emptyFeed) Bury(context.Context, []DeadLetter) error                { return nil }
func (emptyFeed) Grave() string                                           { return "" }
func (emptyFeed) Changed() <-chan struct{}                                { return nil }
func (emptyFeed) Close() error                                            { return nil }
func (emptyFeed) Peek(context.Context, Place, *SpoolBatch) (Place, error) { return nil, nil }

type never struct{}

func (never) Passed() bool { return false }

// A Flush that has ended, for whatever reason, is forgotten.
func TestShipFlushIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := NewShip(emptySpool{}, Discard(), &ShipOptions{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for range 100 {
			if err := h.Flush(t.Context()); !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}
		if n := len(h.waiters); n != 0 {
			t.Errorf("%d are still known", n)
		}
	})
}

// deafSink does not look at its context.
type deafSink struct{}

func (deafSink) Write(context.Context, []*entry.Entry) error { time.Sleep(time.Hour); return nil }
func (deafSink) Close(context.Context) error                 { return nil }

// oneEntry is a spool with one entry that never goes.
type oneEntry struct{}

func (oneEntry) Attach(context.Context, string) (Feed, error) { return oneFeed{}, nil }

type oneFeed struct{ emptyFeed }

func (oneFeed) Look(context.Context) (Backlog, error) { return Backlog{Entries: 1}, nil }
func (oneFeed) Next(_ context.Context, b *SpoolBatch) error {
	e := &entry.Entry{InsertID: "a", Time: time.Now()}
	if err := e.Seal(nil); err != nil {
		return err
	}
	b.Entries = append(b.Entries, e)
	return nil
}

// Nobody waits for a Ship that was closed, also if its goroutine hangs in the sink.
func TestShipFlushAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := NewShip(oneEntry{}, deafSink{}, &ShipOptions{Name: "x", OnError: func(error) {}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Close(ctx); !errors.Is(err, ErrLeft) {
			t.Error(err)
		}
		begun := time.Now()
		if err := h.Flush(t.Context()); !errors.Is(err, ErrClosed) || time.Since(begun) != 0 {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		time.Sleep(2 * time.Hour)
	})
}

// That a sink was closed says nothing of an entry, also where it is said of one.
func TestClosedIsNoRefusal(t *testing.T) {
	closed := &PartialError{Failed: []Failure{{Index: 0, Err: Permanent(ErrClosed)}}}
	bad := &PartialError{Failed: []Failure{{Index: 0, Err: Permanent(errors.New("too large"))}}}
	for _, tt := range []struct {
		err    error
		closed bool
	}{{closed, true}, {bad, false}, {Permanent(ErrClosed), true}} {
		tr := newTrial(10)
		got := tr.judge(1, &parcel{}, tt.err, func(int) weight { return proof })(0)
		if !got.keep || (got.why == nil) != tt.closed || refusal(tt.err) == tt.closed {
			t.Errorf("%v: %+v, a refusal: %v", tt.err, got, refusal(tt.err))
		}
	}
}
