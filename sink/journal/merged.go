package journalsink

import (
	"context"
	"errors"
	"io/fs"
)

// A file may be merged into another one while a reader is at work: it is gone when the
// reader comes to it, and its lines are in a file that the reader's listing did not
// have. The merged file names its parts, so that nothing is missed or read twice.

// span is a part of a merged file.
type span struct {
	from, to       int64 // decompressed bytes
	fromRow, toRow int64
}

// spanOf returns the part of a file that was merged.
func spanOf(origins []origin, base string) (span, bool) {
	row := int64(0)
	for _, o := range origins {
		if o.base == base {
			return span{from: o.at, to: o.at + o.size, fromRow: row, toRow: row + o.rows}, true
		}
		row += o.rows
	}
	return span{}, false
}

// inParts reports whether a byte at a place is in the parts that are wanted.
func (q *query) inParts(at int64) bool {
	for _, p := range q.parts {
		if p.from <= at && at < p.to {
			return true
		}
	}
	return q.parts == nil
}

func (q *query) rowInParts(row int64) bool {
	for _, p := range q.parts {
		if p.fromRow <= row && row < p.toRow {
			return true
		}
	}
	return q.parts == nil
}

// hideOrigins leaves out the files that have been merged into another one of the
// folder and have not been removed yet.
func (r *Reader) hideOrigins(vs []*volume) []*volume {
	hidden := make(map[string]bool)
	for _, v := range vs {
		if !v.merged() || !v.closed {
			continue
		}
		if i := r.infoOf(v); i != nil {
			for _, o := range i.origins {
				hidden[o.base] = true
			}
		}
	}
	if len(hidden) == 0 {
		return vs
	}
	kept := make([]*volume, 0, len(vs))
	for _, v := range vs {
		if !hidden[v.text] || v.open != nil {
			kept = append(kept, v)
		}
	}
	return kept
}

// walkGone reads what was listed and is gone, where it was merged into another file.
func (r *Reader) walkGone(ctx context.Context, gone []string, q *query, each emit) error {
	if len(gone) == 0 {
		return nil
	}
	vs, err := r.shelve()
	if err != nil {
		return err
	}
	for _, v := range vs {
		if !v.merged() || !v.closed {
			continue
		}
		i := r.infoOf(v)
		if i == nil {
			continue
		}
		own := *q
		for _, base := range gone {
			if p, ok := spanOf(i.origins, base); ok {
				own.parts = append(own.parts, p)
			}
		}
		if len(own.parts) == 0 {
			continue
		}
		if _, _, err := r.walkVolume(ctx, v, &own, 0, each); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errUnread) {
			return err
		}
	}
	return nil
}

// originsOf returns the parts of a merged file; nil for every other one, or if its index
// is damaged. unread says that the file is gone or can not be opened now, so that nothing
// is known of it.
func (r *Reader) originsOf(l *listed) (origins []origin, unread bool) {
	if !l.merged() || !l.closed {
		return nil, false
	}
	v := r.shelf.volume(l)
	if i := v.info.Load(); i != nil {
		return i.origins, false
	}
	f, x, i, _ := r.openClosed(v)
	if f == nil {
		return nil, true
	}
	_ = f.Close()
	if x == nil {
		return nil, false
	}
	return i.origins, false
}
