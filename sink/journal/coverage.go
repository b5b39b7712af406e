package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// Coverage is what a folder holds.
type Coverage struct {
	Files int   // journal files, open and closed
	Bytes int64 // their size on the disk
	// From and To are the earliest and the latest Time of an entry; zero if there
	// is none.
	From, To time.Time
	// Damaged is what this Reader has met so far that could not be read, by file
	// and offset. At most 32 are remembered of a file.
	Damaged []Damage
}

// Coverage says which files and which time range the folder holds, and what was
// found damaged so far. It reads the indexes of the closed files, and the open
// files whole. Only a whole Scan checks every byte.
func (r *Reader) Coverage(ctx context.Context) (Coverage, error) {
	var c Coverage
	bases, err := r.list()
	if err != nil {
		return c, err
	}
	for i := range bases {
		l := &bases[i]
		st, err := os.Lstat(filepath.Join(r.dir, l.file()))
		if err != nil {
			continue
		}
		c.Files++
		c.Bytes += st.Size()
		from, to, err := r.times(ctx, l)
		if err != nil {
			return c, err
		}
		if from > to {
			continue
		}
		if t := time.Unix(0, from).UTC(); c.From.IsZero() || t.Before(c.From) {
			c.From = t
		}
		if t := time.Unix(0, to).UTC(); t.After(c.To) {
			c.To = t
		}
	}
	c.Damaged = r.damage.list()
	return c, nil
}

// times returns the range of the entries' times in one base, Unix nanoseconds; from
// is above to if there are none. What has an index is not read.
func (r *Reader) times(ctx context.Context, l *listed) (from, to int64, err error) {
	from, to = noMin, noMax
	x := r.indexes.get(l.text)
	if x == nil && l.closed {
		f, read, err := r.openClosed(l.text + extClosed)
		if f != nil {
			_ = f.Close()
		}
		if err == nil && read != nil {
			r.indexes.put(l.text, read)
			x = read
		}
	}
	if x != nil {
		if x.damaged > 0 {
			r.damage.add(Damage{File: l.text + extClosed, Lines: x.damaged, Err: ErrRecorded})
		}
		return x.min, x.max, nil
	}
	q := &query{look: func(h head) {
		if h.timed {
			from, to = min(from, h.time), max(to, h.time)
		}
	}}
	_, err = r.walk(ctx, l, q, 0, func(*entry.Entry) bool { return true })
	return from, to, err
}
