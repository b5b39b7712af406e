package cloudloggingquery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
)

const (
	// headerWait is how long to wait for the service to say that following has
	// begun. It may say so with the first entries only.
	headerWait = 500 * time.Millisecond
	// overlap is how far back is read again where following began or was cut off:
	// longer than entries take from a process to the service, as a rule.
	overlap = time.Minute
	// retryMin and retryMax bound the pause before following is begun again. A
	// session ends by itself after an hour.
	retryMin = time.Second
	retryMax = 30 * time.Second
	// partWait is after how long the missing parts of an entry are asked for, at the
	// latest at the second look, each of which costs a read if there are any.
	partWait = 3 * time.Second
	// maxSeen bounds the insertIds remembered to tell repeated entries.
	maxSeen = 50_000
	// maxPending and maxPendingBytes bound the split entries of which parts are waited
	// for.
	maxPending      = 64
	maxPendingBytes = 32 << 20
)

// Tail implements [query.Source], by entries.tail, which costs no reads; its beginning, a
// break, and the parts of a split entry that a filter holds back do. The service
// holds entries back for 2 s to put them in order. It ends a session now and then:
// following goes on with what was written meanwhile. An error of permission, or of a
// question that the service does not take, is the last thing that is yielded.
func (s *Source) Tail(ctx context.Context, f query.Filter) iter.Seq2[*entry.Entry, error] {
	began := s.opts.Now()
	since := f.Since
	f.Until = time.Time{}
	return func(yield func(*entry.Entry, error) bool) {
		t := &tailing{s: s, f: f, seen: map[string]struct{}{}, old: map[string]struct{}{}, yield: yield, from: since}
		for wait := retryMin; ctx.Err() == nil && !t.ended; wait = min(2*wait, retryMax) {
			start := time.Now()
			err := t.session(ctx)
			switch {
			case ctx.Err() != nil || t.ended:
				return
			case errors.Is(err, fs.ErrPermission), errors.Is(err, errFilter), status.Code(err) == codes.InvalidArgument:
				yield(nil, err)
				return
			case err != nil && !yield(nil, err):
				return
			}
			if time.Since(start) > time.Minute {
				wait = retryMin
			}
			switch {
			case !t.upTo.IsZero():
				t.from = t.upTo.Add(-overlap)
			case t.from.IsZero():
				t.from = began
			}
			if pause(ctx, wait) != nil {
				return
			}
		}
	}
}

// tailing is one Tail over its sessions.
type tailing struct {
	s     *Source
	f     query.Filter
	yield func(*entry.Entry, error) bool
	ended bool      // the caller has had enough
	from  time.Time // read what is stored from here on before following; zero: nothing
	upTo  time.Time // all that had come to the service then was given; zero: nothing was yet
	seen  map[string]struct{}
	old   map[string]struct{} // the generation before seen
	j     joiner
	late  []string // what parts were missing of at the last look
}

// give yields an entry once.
func (t *tailing) give(e *entry.Entry, err error) bool {
	switch {
	case err != nil:
		t.ended = t.ended || !t.yield(nil, err)
		return !t.ended
	case e == nil || !t.f.Match(e):
		return true
	}
	_, a := t.seen[e.InsertID]
	_, b := t.old[e.InsertID]
	if (a || b) && e.InsertID != "" {
		return true
	}
	if len(t.seen) >= maxSeen/2 {
		t.old, t.seen = t.seen, map[string]struct{}{}
	}
	t.seen[e.InsertID] = struct{}{}
	t.ended = !t.yield(e, nil)
	return !t.ended
}

// session follows until the service ends it. Following is begun first and what is
// stored read then, so that nothing falls in between.
func (t *tailing) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := t.s.client.TailLogEntries(ctx, once())
	if err != nil {
		return t.s.explain(err)
	}
	c := conditions{ours(t.s.opts.LogID)}
	translate(&c, &t.f)
	req := &loggingpb.TailLogEntriesRequest{ResourceNames: t.s.names, Filter: c.String()}
	if err := stream.Send(req); err != nil {
		if _, rerr := stream.Recv(); rerr != nil { // which says why
			err = rerr
		}
		return t.s.explain(err)
	}
	responses := make(chan *loggingpb.TailLogEntriesResponse)
	broken := make(chan error, 1)
	begun := make(chan struct{})
	done := make(chan struct{})
	defer func() {
		cancel()
		<-done
	}()
	go func() {
		defer close(done)
		_, err := stream.Header()
		close(begun)
		for err == nil {
			var r *loggingpb.TailLogEntriesResponse
			if r, err = stream.Recv(); err != nil {
				break
			}
			select {
			case responses <- r:
			case <-ctx.Done():
				return
			}
		}
		broken <- err
	}()
	timer := time.NewTimer(headerWait)
	defer timer.Stop()
	select {
	case <-begun:
	case <-timer.C:
	}
	if !t.from.IsZero() {
		if err := t.stored(ctx); err != nil || t.ended {
			return err
		}
	}
	t.upTo = t.s.opts.Now()
	ticker := time.NewTicker(partWait)
	defer ticker.Stop()
	for {
		select {
		case r := <-responses:
			if !t.response(ctx, r) {
				return nil
			}
		case <-ticker.C:
			if !t.parts(ctx) {
				return nil
			}
		case err := <-broken:
			if errors.Is(err, io.EOF) {
				return nil // a session has its time
			}
			return t.s.explain(err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stored gives what is stored since t.from. An error is one of the service, or the
// context's: it was not all.
func (t *tailing) stored(ctx context.Context) error {
	c, _ := t.s.begin(t.from)
	if !t.upTo.IsZero() {
		// What came meanwhile may tell of what began long ago: a stream that ended, or a
		// journal that was delivered late.
		c, _ = t.s.begin(time.Time{})
		c.add("receiveTimestamp>=%s", stamp(t.from))
	}
	translate(&c, &t.f)
	r := &reading{s: t.s}
	for e, err := range r.entries(ctx, c.String(), "timestamp asc") {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && isService(err):
			return err
		case !t.give(e, err):
			return nil
		}
	}
	if r.spent {
		t.give(nil, fmt.Errorf("cloudloggingquery: %s: what is stored was read in part only, %d reads of it: begin later", t.s.opts.Name, r.reads))
	}
	return nil
}

// parts asks for the parts of entries that have not come since the last look: the filter
// may let one through alone; and where one is excluded, or was refused, what there is of
// the entry is shown all the same.
func (t *tailing) parts(ctx context.Context) bool {
	waiting := t.j.uids()
	late := slices.DeleteFunc(slices.Clone(waiting), func(uid string) bool { return !slices.Contains(t.late, uid) })
	t.late = waiting
	if len(late) == 0 {
		return true
	}
	return t.giveRest(ctx, late)
}

func (t *tailing) giveRest(ctx context.Context, uids []string) bool {
	for e, err := range (&reading{s: t.s}).rest(ctx, &t.j, uids) {
		if ctx.Err() != nil || !t.give(e, err) {
			return false
		}
	}
	return true
}

// response gives what came.
func (t *tailing) response(ctx context.Context, r *loggingpb.TailLogEntriesResponse) bool {
	t.upTo = t.s.opts.Now()
	for _, le := range r.Entries {
		if !t.give(t.j.add(le)) {
			return false
		}
	}
	if len(t.j.parts) > maxPending || t.j.bytes > maxPendingBytes {
		if !t.giveRest(ctx, t.j.uids()) {
			return false
		}
	}
	if len(t.j.done) > maxSeen {
		t.j.done = map[string]bool{}
	}
	for _, s := range r.SuppressionInfo {
		err := fmt.Errorf("cloudloggingquery: %s: the service left out at least %d entries: %s", t.s.opts.Name, s.SuppressedCount, s.Reason)
		if !t.give(nil, err) {
			return false
		}
	}
	return true
}
