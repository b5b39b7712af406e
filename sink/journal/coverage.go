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
		_, err = r.walk(ctx, l, &query{}, 0, func(e *entry.Entry) bool {
			if !e.Time.IsZero() {
				if c.From.IsZero() || e.Time.Before(c.From) {
					c.From = e.Time
				}
				if e.Time.After(c.To) {
					c.To = e.Time
				}
			}
			return true
		})
		if err != nil {
			return c, err
		}
	}
	c.Damaged = r.damage.list()
	return c, nil
}
