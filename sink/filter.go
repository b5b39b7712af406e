package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/txtrail/txtrail/entry"
)

// Filter returns a sink that hands s only the entries for which keep returns
// true; the others count as accepted. A developer's entries are kept out of an
// archive by it. A nil keep keeps everything.
//
// What s says of its batch is said of the entries given: the indexes of a
// [*PartialError] are translated. An entry on which keep panics is refused for
// good: to let it pass could put it where it must not go. If no entry is left, s
// is not called. Close closes s.
//
// keep need not say the same of an entry each time: it may take a sample. It must not
// change the entry nor keep it; Filter is as safe for concurrent
// use as s and keep are.
func Filter(s Sink, keep func(*entry.Entry) bool) Sink {
	if keep == nil {
		return s
	}
	return &filter{s, keep}
}

type filter struct {
	sink Sink
	keep func(*entry.Entry) bool
}

// Wrapper is implemented by a [Sink] that stands before another one and hands it all
// that it is given. A [Ship] looks through it for a [Filter], since what that leaves
// out, and counts as accepted, says nothing of whether the sink behind it takes entries.
type Wrapper interface {
	Unwrap() Sink
}

// asked is what a Filter before s, or before what s wraps, says of an entry: whether
// it comes through to the sink behind it all.
func asked(s Sink, e *entry.Entry) bool {
	for {
		switch w := s.(type) {
		case *filter:
			if ok, err := w.ask(e); !ok || err != nil {
				return false
			}
			s = w.sink
		case Wrapper:
			s = w.Unwrap()
		default:
			return true
		}
	}
}

func (f *filter) Close(ctx context.Context) error { return f.sink.Close(ctx) }

func (f *filter) Write(ctx context.Context, batch []*entry.Entry) error {
	var refused []Failure
	kept := make([]*entry.Entry, 0, len(batch))
	index := make([]int, 0, len(batch))
	for i, e := range batch {
		ok, err := f.ask(e)
		switch {
		case err != nil:
			refused = append(refused, Failure{i, Permanent(err)})
		case ok:
			kept = append(kept, e)
			index = append(index, i)
		}
	}
	f.pass(ctx, kept)
	var err error
	if len(kept) > 0 {
		err = f.sink.Write(ctx, kept)
	} else if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(refused) == 0 && len(kept) == len(batch) {
		return err
	}
	failed := failures(err, len(kept))
	for i := range failed {
		failed[i].Index = index[failed[i].Index]
	}
	if len(refused) == 0 && len(failed) == 0 {
		return err
	}
	return &PartialError{Failed: append(refused, failed...)}
}

// ask calls keep. The value of a panic is not repeated: it may be the content.
func (f *filter) ask(e *entry.Entry) (ok bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sink: the filter panicked (%T), so the entry is not passed on", r)
		}
	}()
	return f.keep(e), nil
}

// failures spells out for each of n entries what err says of it.
func failures(err error, n int) []Failure {
	if err = answered(err, n); err == nil {
		return nil
	}
	var partial *PartialError
	if errors.As(err, &partial) {
		return slices.Clone(partial.Failed)
	}
	list := make([]Failure, n)
	for i := range list {
		list[i] = Failure{i, err}
	}
	return list
}
