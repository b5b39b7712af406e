package cloudloggingsink

import (
	"errors"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/split"
)

// limits are those of a part. What the small fields take is measured on the wire: there a
// character that JSON escapes takes a sixth of the room. A pair's lengths and tags take up
// to 48 bytes. Labels are in the payload and, as far as they are indexed, beside it.
func (x *encoder) limits(now time.Time) *split.Limits {
	var line, wire []byte
	return &split.Limits{
		Part: maxEntry - 32<<10, Pair: 48, Copies: 2,
		Base: func(e *entry.Entry) int {
			line = e.AppendJSON(line[:0])
			wire, _ = x.appendAny(wire[:0], line, now, part{}) // a line of AppendJSON is a canonical one
			return x.size
		},
		Text: func(s string, room int) (fit, take int) {
			n := max(min(len(s), room), 0)
			return n, n
		},
	}
}

// split appends an entry that is larger than the service takes as numbered parts:
// LogEntries of one split.uid, each valid in itself and of the shape of every other
// entry, so that an export takes them.
func (x *encoder) split(dst, line []byte, now time.Time) ([]byte, int, error) {
	e, err := entry.Parse(line)
	if err != nil {
		return dst, 0, fmt.Errorf("%w: %w", errLine, err)
	}
	if e.InsertID == "" {
		e.InsertID = madeID(line)
	}
	parts, err := split.Cut(e, x.limits(now))
	if errors.Is(err, split.ErrTooLarge) {
		e.Clip() // what entry.Seal does: something else made the line
		parts, err = split.Cut(e, x.limits(now))
	}
	if err != nil {
		return dst, 0, fmt.Errorf("cloudloggingsink: %w", err)
	}
	start := len(dst)
	var buf []byte
	for i, p := range parts {
		buf = p.AppendJSON(buf[:0])
		if dst, err = x.append(dst, buf, now, part{uid: e.InsertID, index: i, total: len(parts)}); err != nil {
			return dst[:start], 0, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
	}
	return dst, len(parts), nil
}
