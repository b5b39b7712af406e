package journalsink

import (
	"bytes"
	"math"
	"time"
)

// query says which lines are wanted, as far as can be told without parsing them.
type query struct {
	prefix       []byte     // of the txid; nil: any
	since, until int64      // Unix nanoseconds, since <= t < until
	bounded      bool       // since or until was given
	look         func(head) // not nil: nothing is wanted but a look at the heads
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
	if q.prefix != nil {
		return bytes.HasPrefix(h.txid, q.prefix)
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
