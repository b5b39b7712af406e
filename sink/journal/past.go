package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"slices"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// atOnce is how many entries of the past are put in order at a time. More are held only
// of files that have no columns to count them by.
const atOnce = 1000

// past yields what is in the folder up to the places where following begins, in order of
// time. It reads the folder twice: the times alone, of which it keeps 8 bytes each, and
// then the entries, some at a time. It reports whether to go on; called again, it goes on
// where it was.
func (t *tailer) past(ctx context.Context) bool {
	if !t.give(ctx) {
		return false
	}
	if t.since.IsZero() {
		return true
	}
	match := t.match
	if match == nil {
		match = func(*Row) bool { return true } // by columns, which are remembered of open files
	}
	var times []int64
	for row, err := range t.r.Rows(ctx, ScanOptions{Since: t.since, Match: match}) {
		if err != nil {
			return t.failed(ctx, err)
		}
		times = append(times, nanos(row.Time()))
	}
	slices.Sort(times)
	upTo := t.places()
	for !t.since.IsZero() {
		until, n := batch(times, atOnce)
		times = times[n:]
		q := &query{since: nanos(t.since), until: until, bounded: true, match: match, upTo: upTo}
		err := t.each(ctx, q, func(e *entry.Entry) bool {
			if t.dup.again(e.InsertID) {
				return true
			}
			if n > atOnce { // all of one time
				return t.yield(e, nil)
			}
			t.sorted = append(t.sorted, e)
			return true
		})
		if err != nil {
			return t.failed(ctx, err)
		}
		slices.SortStableFunc(t.sorted, func(a, b *entry.Entry) int { return a.Time.Compare(b.Time) })
		if t.since = time.Unix(0, until); until == math.MaxInt64 {
			t.since = time.Time{}
		}
		if !t.give(ctx) {
			return false
		}
	}
	return true
}

// give yields what is in order.
func (t *tailer) give(ctx context.Context) bool {
	for len(t.sorted) > 0 {
		if ctx.Err() != nil {
			return false
		}
		e := t.sorted[0]
		t.sorted = t.sorted[1:]
		if !t.yield(e, nil) {
			return false
		}
	}
	t.sorted = nil
	return true
}

// batch says how far the next entries go of which times are left, in order: about n, and
// more only of one time. until is after the last; the end of time if there are no more.
func batch(times []int64, n int) (until int64, rows int) {
	if len(times) <= n {
		return math.MaxInt64, len(times)
	}
	rows, _ = slices.BinarySearch(times, times[n])
	if rows == 0 { // all of them of one time
		rows = len(times)
		if times[0] < math.MaxInt64 {
			rows, _ = slices.BinarySearch(times, times[0]+1)
		}
		if rows == len(times) {
			return math.MaxInt64, rows
		}
	}
	return times[rows], rows
}

// places returns where following begins, by the names that a file may have until it is
// read: what is written from there on is left to it.
func (t *tailer) places() map[string]int64 {
	upTo := make(map[string]int64)
	for base, at := range t.at {
		if !at.done {
			upTo[base+extOpen], upTo[base+extClosed] = at.offset, at.offset
		}
	}
	return upTo
}

// each reads what a query wants of every base that was there when following began. One
// that can not be opened is left to following, whole: what came of it already does not
// come again.
func (t *tailer) each(ctx context.Context, q *query, each emit) error {
	vs, err := t.r.shelve()
	if err != nil {
		return err
	}
	var gone []string
	for _, v := range vs {
		if t.at[v.text] == nil && !v.merged() {
			continue // it is new
		}
		switch _, _, err := t.r.walkVolume(ctx, v, q, 0, each); {
		case errors.Is(err, errUnread):
			t.at[v.text] = &tailed{}
			origins, _ := t.r.originsOf(&v.listed)
			for _, o := range origins {
				t.at[o.base] = &tailed{}
			}
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, v.text)
		case err != nil:
			return err
		}
	}
	return t.r.walkGone(ctx, gone, q, each)
}

// failed says what ended the reading of the past, but where that is the context or the
// caller. Without a folder there is no past.
func (t *tailer) failed(ctx context.Context, err error) bool {
	switch {
	case ctx.Err() != nil, errors.Is(err, errStop):
	case errors.Is(err, fs.ErrNotExist):
		t.since = time.Time{}
		return true
	default:
		t.yield(nil, err)
	}
	return false
}
