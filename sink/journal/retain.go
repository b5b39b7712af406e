package journalsink

import (
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

// retain removes closed files until the folder is within its bounds, the oldest
// first. What a cursor in the folder still needs goes last, and only for the hard cap:
// MaxBytes, or a disk that has no room for a write.
func (j *Journal) retain() {
	o := &j.opts
	if o.MaxBytes < 0 && o.MinFree < 0 && o.MaxAge == 0 {
		return
	}
	bases, _, ok := j.folder()
	if !ok {
		return
	}
	var total int64
	sizes := make([]int64, len(bases))
	for i := range bases {
		for _, name := range bases[i].files() {
			if st, err := j.fs.Lstat(filepath.Join(j.dir, name)); err == nil {
				sizes[i] += diskSize(st)
			}
		}
		total += sizes[i]
	}
	now := o.Now()
	r := removal{j: j, bases: bases, sizes: sizes, gone: make([]bool, len(bases))}
	if o.MaxAge > 0 {
		r.expired(now.Add(-o.MaxAge))
		r.tell(fmt.Sprintf("MaxAge is %v", o.MaxAge))
	}
	// How much is too much, by either bound.
	hard := int64(0)
	if o.MaxBytes > 0 {
		hard = total - o.MaxBytes
	}
	over, why := hard, fmt.Sprintf("MaxBytes is %d", o.MaxBytes)
	if o.MinFree > 0 {
		// What others put on the disk is not made up for with our last files.
		short, floor := j.missing()
		short = min(short+r.bytes, total-floor) // what went by age has made room already
		if short > over {
			over, why = short, fmt.Sprintf("less than %.0f %% of the disk is free", o.MinFree*100)
		}
	}
	// A write that has found the disk full, or a quota used up, needs room for a little
	// more; who filled it is not known, so no more than that goes of what is needed, and
	// one file's worth stays: so little has not filled a disk.
	if j.keep.full.Load() {
		room := r.bytes + min(fullRoom*o.MaxFileBytes, total-r.bytes-o.MaxFileBytes)
		if room > over {
			over, why = room, "the disk is full"
		}
		hard = max(hard, room)
	}
	j.keep.full.Store(false)
	r.until(over, false)
	r.until(hard, true)
	r.tell(why)
}

// fullRoom is how many files' worth of room is made where a write has found the disk
// full: the one being written, and the compressed copy of the one before.
const fullRoom = 2

// removal is the removing of files from a folder, once.
type removal struct {
	j     *Journal
	bases []listed
	sizes []int64
	gone  []bool
	holds *holds // read when first needed

	bytes, told int64  // removed, and said so
	files       int64  // removed, not said yet
	needed      int64  // of them, needed by a sink
	newest      string // of them
	sink        string // that needed one
}

// needs reports whether a base is still to be shipped.
func (r *removal) needs(l *listed) (sink string, needed bool) {
	if r.holds == nil {
		r.holds = r.j.holds()
	}
	return r.holds.needs(l.baseName)
}

// until removes the oldest files until so many bytes have gone, also needed ones or
// not.
func (r *removal) until(over int64, needed bool) {
	for i := range r.bases {
		if r.bytes >= over {
			return
		}
		if !r.gone[i] {
			r.take(i, needed)
		}
	}
}

// expired removes what has no entry of a time or later, unless it is needed. A file's
// name has the time when it was begun, so that few have to be looked into.
func (r *removal) expired(before time.Time) {
	for i := range r.bases {
		l := &r.bases[i]
		if l.order()[:len(stampLayout)] >= before.UTC().Format(stampLayout) {
			return
		}
		if l.closed && !l.open && r.j.endOf(l).Before(before) {
			r.take(i, false)
		}
	}
}

// endOf returns the time of the latest entry in a closed file, or, where that can not
// be told, when it was closed.
func (j *Journal) endOf(l *listed) time.Time {
	path := filepath.Join(j.dir, l.text+extClosed)
	st, err := j.fs.Lstat(path)
	if err != nil {
		return j.opts.Now()
	}
	if f, err := j.fs.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		if x, err := readIndex(f, st.Size()); err == nil && x.min <= x.max && x.max != math.MaxInt64 {
			return time.Unix(0, x.max)
		}
	}
	return st.ModTime()
}

// take removes a base unless it is needed and needed ones are not to be.
func (r *removal) take(i int, needed bool) {
	l := &r.bases[i]
	sink, is := r.needs(l)
	if is && !needed {
		return
	}
	n := r.j.remove(l, func() {
		if folders := r.holds.folders(l.baseName); len(folders) > 0 {
			r.j.noteLost(l, folders)
		}
	})
	if n == 0 {
		return
	}
	r.gone[i] = true
	r.files += int64(n)
	r.bytes += r.sizes[i]
	r.newest = l.text
	if is {
		r.needed += int64(n)
		r.sink = sink
	}
}

// tell counts and reports what has been removed since the last time.
func (r *removal) tell(why string) {
	if r.files == 0 {
		return
	}
	j, bytes := r.j, r.bytes-r.told
	j.count.removed.Add(r.files)
	j.count.removedBytes.Add(bytes)
	j.count.removedNeeded.Add(r.needed)
	err := fmt.Errorf("%w: %d of %d bytes, up to %s in %s: %s", ErrRetention, r.files, bytes, r.newest, j.dir, why)
	if r.needed > 0 {
		err = report.Fault(fmt.Errorf("%w: %d of them had entries that were not shipped to %q yet", err, r.needed, r.sink))
	}
	j.report(err)
	r.files, r.needed, r.told = 0, 0, r.bytes
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

// remove unlinks one base's files, unless somebody writes it, and returns how many. What
// is to be done before is done when nothing is in the way of that any more.
func (j *Journal) remove(l *listed, before func()) int {
	n := 0
	if l.open {
		path := filepath.Join(j.dir, l.text+extOpen)
		f, err := j.fs.Open(path)
		if err != nil {
			return 0
		}
		defer func() { _ = f.Close() }()
		if f.Lock() != nil || !f.Named(path) {
			return 0
		}
		before()
		if j.unlink(f, path) != nil {
			return 0
		}
		n++
	} else {
		before()
	}
	if l.closed && j.fs.Remove(filepath.Join(j.dir, l.text+extClosed)) == nil {
		n++
	}
	return n
}
