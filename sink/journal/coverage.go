package journalsink

import (
	"context"
	"errors"
	"io/fs"
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
	vs, err := r.shelve()
	if err != nil {
		return c, err
	}
	for _, v := range vs {
		size, from, to, err := r.extent(ctx, v)
		if err != nil {
			return c, err
		}
		if size < 0 {
			continue
		}
		c.Files++
		c.Bytes += size
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

// extent returns the size of one base, -1 if it is gone, and the range of its
// entries' times, Unix nanoseconds; from is above to if there are none. What has an
// index is not read.
func (r *Reader) extent(ctx context.Context, v *volume) (size, from, to int64, err error) {
	if v.closed {
		if i := r.infoOf(v); i != nil {
			r.recorded(v.text+extClosed, i)
			return i.size, i.min, i.max, nil
		}
	} else if view, ok, err := r.viewOf(ctx, v); err != nil {
		return 0, 0, 0, err
	} else if ok {
		return view.size, view.min, view.max, nil
	}
	st, err := os.Lstat(filepath.Join(r.dir, v.file()))
	if err != nil {
		return -1, noMin, noMax, nil //nolint:nilerr // gone: the cap removed it
	}
	from, to = noMin, noMax
	q := &query{look: func(h head) {
		if h.timed {
			from, to = min(from, h.time), max(to, h.time)
		}
	}}
	_, _, err = r.walkVolume(ctx, v, q, 0, func(*entry.Entry) bool { return true })
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnread) {
		err = nil
	}
	return diskSize(st), from, to, err
}

// viewOf reads what is new of an open file. ok is false if it is gone, or is not
// remembered.
func (r *Reader) viewOf(ctx context.Context, v *volume) (view openView, ok bool, err error) {
	name := v.text + extOpen
	f, err := r.open(name)
	if err != nil {
		return view, false, nil
	}
	defer func() { _ = f.Close() }()
	if view, ok, err = v.open.view(ctx, r, f, name); err != nil || !ok || !view.last.open {
		return view, ok, err
	}
	// A last line without its end may be whole all the same, or is damage to tell of.
	q := &query{look: func(h head) {
		if h.timed {
			view.min, view.max = min(view.min, h.time), max(view.max, h.time)
		}
	}}
	_, err = r.lastLine(f, name, view.last, q, nil)
	return view, true, err
}
