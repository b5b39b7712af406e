package sinktest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Harness is a fresh sink for one case, and how to see what it did.
type Harness struct {
	// Sink is what is tested. The case closes it.
	Sink sink.Sink
	// Stored returns all that the sink has accepted so far, in the order kept. It
	// is called when no Write runs, also after Close. Default nil: it cannot be
	// told, and only what Write and Close return is checked.
	Stored func() ([]*entry.Entry, error)
	// Altered says that entries are not kept as they came (shortened, in another
	// format), so that only their InsertIDs can be compared.
	Altered bool
	// Block makes the destination take nothing and answer nothing until release is
	// called. Default nil: it can not be made to, and that case says nothing.
	Block func() (release func())
	// Unordered says that the order is not kept: what is behind the sink sorts by
	// time and InsertID itself.
	Unordered bool
}

// Case is one part of the law.
type Case struct {
	Name   string
	Reason string // why a Sink must do so
	check  func(h Harness) error
}

// Check returns what is wrong with the harness's sink, or nil. The sink is used
// up by it.
func (c Case) Check(h Harness) error {
	err := c.check(h)
	if closeErr := h.Sink.Close(context.Background()); closeErr != nil && err == nil {
		err = fmt.Errorf("Close at the end of the case: %w", closeErr)
	}
	return err
}

// Run checks every case as a subtest, each with a new sink from open.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(open(t)); err != nil {
				t.Errorf("%v\nthe rule: %s", err, c.Reason)
			}
		})
	}
}

// write writes batch and returns the entries that count as accepted, the failures
// by index, and the error itself. It checks that the error makes sense.
func (h Harness) write(ctx context.Context, batch []*entry.Entry) (accepted []string, failed map[int]error, err error) {
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.InsertID
	}
	werr := h.Sink.Write(ctx, batch)
	failed = map[int]error{}
	var partial *sink.PartialError
	switch {
	case werr == nil:
	case errors.As(werr, &partial):
		if len(partial.Failed) == 0 {
			return nil, nil, errors.New("a PartialError without failures; return nil when all were accepted")
		}
		for _, f := range partial.Failed {
			if f.Index < 0 || f.Index >= len(batch) {
				return nil, nil, fmt.Errorf("a PartialError names entry %d of a batch of %d", f.Index, len(batch))
			}
			if f.Err == nil {
				return nil, nil, fmt.Errorf("a PartialError names entry %d without an error", f.Index)
			}
			if failed[f.Index] != nil {
				return nil, nil, fmt.Errorf("a PartialError names entry %d twice", f.Index)
			}
			failed[f.Index] = f.Err
		}
	default:
		for i := range batch {
			failed[i] = werr
		}
	}
	for i, id := range ids {
		if failed[i] == nil {
			accepted = append(accepted, id)
		}
	}
	return accepted, failed, nil
}

// accept writes batch and wants all of it accepted.
func (h Harness) accept(batch []*entry.Entry) error {
	_, failed, err := h.write(context.Background(), batch)
	if err != nil {
		return err
	}
	for i, why := range failed {
		return fmt.Errorf("entry %d of a batch of %d good ones was not accepted: %w", i, len(batch), why)
	}
	return nil
}

// holds checks that exactly the entries of want are stored, in this order, each
// once.
func (h Harness) holds(want []string) error {
	got, err := h.ids()
	if err != nil || h.Stored == nil {
		return err
	}
	return compare(got, want, h.Unordered)
}

func (h Harness) ids() ([]string, error) {
	if h.Stored == nil {
		return nil, nil
	}
	stored, err := h.Stored()
	if err != nil {
		return nil, fmt.Errorf("reading back: %w", err)
	}
	ids := make([]string, len(stored))
	for i, e := range stored {
		ids[i] = e.InsertID
	}
	return ids, nil
}

// holdsLines checks that the stored lines are those.
func (h Harness) holdsLines(want []string) error {
	if h.Stored == nil || h.Altered {
		return nil
	}
	stored, err := h.Stored()
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	got := make([]string, len(stored))
	for i, e := range stored {
		got[i] = string(e.Line())
	}
	return compare(got, want, h.Unordered)
}
