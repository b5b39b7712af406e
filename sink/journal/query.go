package journalsink

import (
	"context"
	"math"
	"time"
)

// query says which lines are wanted, as far as can be told without parsing them.
type query struct {
	ids          *prefixSet       // of the txid; nil: any
	since, until int64            // Unix nanoseconds, since <= t < until
	bounded      bool             // since or until was given
	match        func(*Row) bool  // nil: any
	look         func(head)       // not nil: nothing is wanted but a look at the heads
	rows         func(*Row) bool  // not nil: rows are wanted, not entries; false: no more
	parts        []span           // of a merged file; nil: all of it
	upTo         map[string]int64 // by file: lines that begin there or behind are not wanted
}

func newTimeQuery(since, until time.Time) *query {
	q := &query{since: math.MinInt64, until: math.MaxInt64}
	if !since.IsZero() {
		q.since, q.bounded = nanos(since), true
	}
	if !until.IsZero() {
		q.until, q.bounded = nanos(until), true
	}
	return q
}

// nanos returns Unix nanoseconds, or the nearest that fits into 64 bits.
func nanos(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < math.MinInt64/1_000_000_000+1:
		return math.MinInt64
	case s > math.MaxInt64/1_000_000_000-1:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// wants reports whether a line with this head is wanted.
func (q *query) wants(h head) bool {
	if q.look != nil {
		q.look(h)
		return false
	}
	if q.ids != nil {
		return q.ids.match(h.txid)
	}
	if !q.bounded {
		return true
	}
	return h.timed && q.since <= h.time && h.time < q.until
}

// overlaps reports whether something between two times, both included, can be
// wanted.
func (q *query) overlaps(from, to int64) bool {
	return !q.bounded || from < q.until && to >= q.since
}

// byColumns reports whether rows say what is wanted.
func (q *query) byColumns() bool { return q.match != nil || q.rows != nil }

// visit yields the wanted rows among those from one number to another.
func (q *query) visit(ctx context.Context, c *columnSet, from, to int) error {
	times, flags := c.numbers(colTime), c.numbers(colBits)
	row := Row{c: c}
	for i := from; i < to; i++ {
		if i%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if flags[i]&rowUnknown != 0 || q.bounded && (flags[i]&rowTimed == 0 || times[i] < q.since || times[i] >= q.until) {
			continue
		}
		row.i = i
		if q.parts != nil && !q.rowInParts(int64(i)) || q.match != nil && !q.match(&row) {
			continue
		}
		if !q.rows(&row) {
			return errStop
		}
	}
	return nil
}
