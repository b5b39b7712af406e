package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// ErrSinkDown is wrapped by the failures of a [Fanout] whose sink has been
// failing for so long that the others went on without it.
var ErrSinkDown = errors.New("sink: one sink of a fanout is down, the others went on without it")

// How long a Fanout lets one failing sink hold up the others, and how often it is
// tried after that. A default queue absorbs far more than ten seconds.
const (
	fanoutPatience = 10 * time.Second
	fanoutProbe    = time.Second
	fanoutProbeMax = 30 * time.Second
	// A sink that hangs holds up the others for that long with each trial.
	fanoutProbeTime = 5 * time.Second
)

// Fanout returns a sink that writes every batch to each of the sinks, to all at
// the same time. None at all is [Discard], one is that sink itself; nil sinks are
// left out.
//
// An entry is accepted when every sink has accepted it. Otherwise Write returns a
// [*PartialError] in which an entry's failure is
//
//   - retryable, as long as one sink has said that it may take it later. Fanout
//     remembers, by InsertID, which sinks are finished with it, so that writing
//     it again reaches only those that lack it. It remembers until the next
//     Write, so the caller must write what failed before anything else, as Queue
//     does; otherwise an entry may reach a sink twice, never not at all.
//   - permanent, when no sink is left to retry and at least one has refused it.
//     The others have it.
//
// One failing sink does not stop the others: all get the batch, whatever one of
// them returns. But as long as the caller retries for the sake of one, the others
// get nothing new. After 10 s of that the failing sink is left behind: entries
// count as permanently failed with [ErrSinkDown] for its sake while the others go
// on, and it is tried again with the entries of a later Write, at first after a
// second, at last every 30 s, each trial taking 5 s at most. Once it works again
// it gets gap entries for what it missed. Where it must get the entries
// themselves, give it a journal and a cursor of its own instead of a Fanout.
//
// A sink that panics has refused its batch. Close waits for a Write that runs,
// within its context, and closes all sinks at the same time, whatever one of them
// returns; their errors are joined. One that hangs is left after 0.15 s beyond the
// context (see [Nested]). Write may be called concurrently; the calls then wait for
// each other.
func Fanout(sinks ...Sink) Sink {
	f := &fanout{now: time.Now, turn: make(chan struct{}, 1)}
	for _, s := range sinks {
		if s != nil {
			f.branches = append(f.branches, &branch{sink: s, prefix: newIDPrefix(), missed: newGapBook()})
		}
	}
	switch len(f.branches) {
	case 0:
		return Discard()
	case 1:
		return f.branches[0].sink
	}
	return f
}

type fanout struct {
	now  func() time.Time
	turn chan struct{} // full while a Write or Close runs: a lock that can be waited for within a context

	branches []*branch // what they point to is the turn's
	closed   bool
}

// branch is one sink and what is known of it.
type branch struct {
	sink Sink
	// finished holds the InsertIDs of the last Write that this sink took (nil) or
	// refused, although the caller was told to write them again for another's sake.
	finished map[string]error

	failing time.Time // since when it has failed without a break; zero: it works
	probeAt time.Time // left behind until then
	probe   time.Duration
	lastErr error

	missed *gapBook // what it was left without
	prefix idPrefix // of the InsertIDs of its gap entries
	seq    uint64
}

func (f *fanout) Close(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		f.closed = true
		defer func() { <-f.turn }()
	case <-ctx.Done(): // a Write hangs; its sink may come to its senses by being closed
	}
	errs := make([]error, len(f.branches))
	var wg sync.WaitGroup
	for i, b := range f.branches {
		wg.Go(func() {
			if err := closeWithin(ctx, b.sink); err != nil {
				errs[i] = fmt.Errorf("sink %d of the fanout: %w", i, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func closeOne(ctx context.Context, s Sink) (err error) {
	defer recoverAsError(&err)
	return sound(s.Close(ctx))
}

// verdict is what all sinks together make of one entry.
type verdict struct {
	retry   error // the last retryable failure
	refused error // the last permanent one
	after   time.Duration
}

func (f *fanout) Write(ctx context.Context, batch []*entry.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return Retryable(fmt.Errorf("sink: fanout: %w", context.Cause(ctx)), 0)
	}
	if f.closed {
		return Permanent(fmt.Errorf("sink: fanout: %w", ErrClosed))
	}
	verdicts := make([]verdict, len(batch))
	results := make([][]error, len(f.branches))
	bad := false
	var wg sync.WaitGroup
	for i, b := range f.branches {
		wg.Go(func() { results[i] = f.writeOne(ctx, b, batch) })
	}
	wg.Wait()
	for i := range f.branches {
		for j, err := range results[i] {
			if err == nil {
				continue
			}
			bad = true
			err = fmt.Errorf("sink %d of the fanout: %w", i, err)
			if IsPermanent(err) {
				verdicts[j].refused = err
			} else {
				verdicts[j].retry = err
				if after, ok := RetryAfter(err); ok {
					verdicts[j].after = max(verdicts[j].after, after)
				}
			}
		}
	}
	f.remember(batch, verdicts, results)
	if !bad {
		return nil
	}
	partial := &PartialError{}
	for j := range verdicts {
		switch v := &verdicts[j]; {
		case v.retry != nil:
			partial.Failed = append(partial.Failed, Failure{j, Retryable(v.retry, v.after)})
		case v.refused != nil:
			partial.Failed = append(partial.Failed, Failure{j, Permanent(v.refused)})
		}
	}
	return partial
}

// writeOne hands one sink what it lacks of the batch, and returns what it says of
// each entry, now or in the Write before.
func (f *fanout) writeOne(ctx context.Context, b *branch, batch []*entry.Entry) []error {
	results := make([]error, len(batch))
	todo := make([]*entry.Entry, 0, len(batch))
	index := make([]int, 0, len(batch))
	for i, e := range batch {
		if err, ok := b.finished[e.InsertID]; ok && e.InsertID != "" {
			results[i] = err
			continue
		}
		todo = append(todo, e)
		index = append(index, i)
	}
	if len(todo) == 0 {
		return results
	}
	now := f.now()
	if !b.probeAt.IsZero() && now.Before(b.probeAt) {
		for _, i := range index {
			results[i] = b.miss(batch[i])
		}
		return results
	}
	write := ctx
	if !b.probeAt.IsZero() {
		var cancel context.CancelFunc
		write, cancel = context.WithTimeout(ctx, fanoutProbeTime)
		defer cancel()
	}
	err := writeSafely(write, b.sink, todo)
	failed := failures(err, len(todo))
	retry := false
	for _, fl := range failed {
		results[index[fl.Index]] = fl.Err
		if !IsPermanent(fl.Err) {
			retry = true
			b.lastErr = fl.Err
		}
	}
	if !retry {
		b.failing, b.probeAt, b.probe, b.lastErr = time.Time{}, time.Time{}, 0, nil
		b.confess(ctx, batch[0].Resource)
		return results
	}
	// The caller's context ending says nothing of the sink.
	if ctx.Err() != nil && context.Cause(ctx) != context.DeadlineExceeded {
		return results
	}
	if b.failing.IsZero() {
		b.failing = now // when it was called, not when a time-out told us
	}
	now = f.now()
	if now.Sub(b.failing) < fanoutPatience {
		return results
	}
	b.probe = min(max(2*b.probe, fanoutProbe), fanoutProbeMax)
	b.probeAt = now.Add(b.probe)
	for i := range results {
		if results[i] != nil && !IsPermanent(results[i]) {
			results[i] = b.miss(batch[i])
		}
	}
	return results
}

// miss notes an entry that the sink goes without and returns its failure.
func (b *branch) miss(e *entry.Entry) error {
	b.missed.note(reasonSinkDown, e.TxID, e.Time, int64(len(e.Line())))
	return Permanent(fmt.Errorf("%w: %w", ErrSinkDown, b.lastErr))
}

// remember keeps which sinks are finished with the entries that will be written
// again.
func (f *fanout) remember(batch []*entry.Entry, verdicts []verdict, results [][]error) {
	for i, b := range f.branches {
		b.finished = nil
		for j, e := range batch {
			err := results[i][j]
			if verdicts[j].retry == nil || e.InsertID == "" || err != nil && !IsPermanent(err) {
				continue
			}
			if b.finished == nil {
				b.finished = make(map[string]error)
			}
			b.finished[e.InsertID] = err
		}
		// Should an InsertID stand in the batch twice, twice is better than never.
		for j, e := range batch {
			if err := results[i][j]; err != nil && !IsPermanent(err) {
				delete(b.finished, e.InsertID)
			}
		}
	}
}

// confess writes gap entries for what the sink missed, now that it works again.
// If it fails at once they wait for the next time.
func (b *branch) confess(ctx context.Context, r *entry.Resource) {
	if len(b.missed.records) == 0 {
		return
	}
	gaps := make([]*entry.Entry, 0, len(b.missed.records))
	for i := range b.missed.records {
		e := b.missed.records[i].entry()
		b.seq++
		e.InsertID = string(b.prefix.append(nil, b.seq))
		e.Resource = r
		if e.Seal(nil) == nil {
			gaps = append(gaps, e)
		}
	}
	err := writeSafely(ctx, b.sink, gaps)
	var partial *PartialError
	if err == nil || IsPermanent(err) || errors.As(err, &partial) {
		b.missed.reset()
	}
}

func writeSafely(ctx context.Context, s Sink, batch []*entry.Entry) (err error) {
	defer recoverAsError(&err)
	return answered(sound(s.Write(ctx, batch)), len(batch))
}
