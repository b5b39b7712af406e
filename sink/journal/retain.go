package journalsink

import (
	"fmt"
	"path/filepath"
)

// retain removes the oldest closed files until the folder is within its bounds.
func (j *Journal) retain() {
	o := &j.opts
	bases, _, ok := j.folder()
	if !ok {
		return
	}
	var total int64
	sizes := make([]int64, len(bases))
	for i := range bases {
		for _, name := range bases[i].files() {
			if st, err := j.fs.Lstat(filepath.Join(j.dir, name)); err == nil {
				sizes[i] += st.Size()
			}
		}
		total += sizes[i]
	}
	// How much is too much, by either bound.
	over := int64(0)
	if o.MaxBytes > 0 {
		over = total - o.MaxBytes
	}
	why := fmt.Sprintf("MaxBytes is %d", o.MaxBytes)
	if o.MinFree > 0 {
		if short, floor := j.missing(); short > over {
			// What others put on the disk is not made up for with our last files,
			// unless a write has failed.
			if !j.keep.full.Load() {
				short = min(short, total-floor)
			}
			if short > over {
				over = short
				why = fmt.Sprintf("less than %.0f %% of the disk is free", o.MinFree*100)
			}
		}
	}
	j.keep.full.Store(false)
	var files, bytes int64
	newest := ""
	for i := range bases {
		if over <= bytes {
			break
		}
		if n := j.remove(&bases[i]); n > 0 {
			files += int64(n)
			bytes += sizes[i]
			newest = bases[i].text
		}
	}
	if files == 0 {
		return
	}
	j.count.removed.Add(files)
	j.count.removedBytes.Add(bytes)
	j.report(fmt.Errorf("%w: %d of %d bytes, up to %s in %s: %s", ErrRetention, files, bytes, newest, j.dir, why))
}

// missing returns how many bytes are missing for MinFree, and how many of the
// folder's are kept all the same.
func (j *Journal) missing() (short, floor int64) {
	free, total, err := j.fs.Free(j.dir)
	if err != nil || total == 0 {
		return 0, 0
	}
	floor = int64(total / 100)
	if j.opts.MaxBytes > 0 {
		floor = min(floor, j.opts.MaxBytes/16)
	}
	return int64(float64(total)*j.opts.MinFree) - int64(free), floor
}

// remove unlinks one base's files, unless somebody writes it, and returns how many.
func (j *Journal) remove(l *listed) int {
	n := 0
	if l.open {
		path := filepath.Join(j.dir, l.text+extOpen)
		f, err := j.fs.Open(path)
		if err != nil {
			return 0
		}
		defer func() { _ = f.Close() }()
		if f.Lock() != nil || !f.Named(path) || j.unlink(f, path) != nil {
			return 0
		}
		n++
	}
	if l.closed && j.fs.Remove(filepath.Join(j.dir, l.text+extClosed)) == nil {
		n++
	}
	return n
}
