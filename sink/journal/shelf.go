package journalsink

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// volume is what a Reader keeps of one base.
type volume struct {
	listed
	info *atomic.Pointer[fileInfo] // of the closed file, once it was read
	open *openIndex                // of the open file
}

// fileInfo is what a Reader remembers of a closed file, which never changes: enough
// to know that a look-up has nothing to find in it.
type fileInfo struct {
	size     int64 // on the disk
	plain    int64
	entries  int64
	damaged  int
	min, max int64
	filter   idFilter // nil: not kept, or there is none
	origins  []origin
}

func (x *index) info(size int64) *fileInfo {
	i := &fileInfo{size: size, plain: x.plain, entries: x.entries, damaged: x.damaged, min: x.min, max: x.max, origins: x.origins}
	if len(x.filter) > 0 {
		i.filter = append(idFilter(nil), x.filter...) // not the whole index with it
	}
	return i
}

// rulesOut reports whether nothing in the file is wanted.
func (i *fileInfo) rulesOut(q *query) bool {
	if q.ids != nil && q.ids.excluded(i.filter) {
		return true
	}
	return q.bounded && !q.overlaps(i.min, i.max)
}

// shelf keeps the volumes of a folder from one call to the next.
type shelf struct {
	limit int // bytes of filters; negative: nothing is kept of a closed file

	mu      sync.Mutex
	volumes []*volume // oldest first; never changed, only replaced
	byBase  map[string]*volume
	listing folderTime // of volumes
	size    int        // bytes of filters

	sides        []fs.DirEntry // the names that begin with a dot
	sidesListing folderTime
}

// shelve lists the folder, unless it has not changed since the last time.
func (r *Reader) shelve() ([]*volume, error) {
	mod, now, err := r.folderTimes()
	if err != nil {
		return nil, err
	}
	r.shelf.mu.Lock()
	if r.shelf.listing.holds(mod, now) {
		defer r.shelf.mu.Unlock()
		return r.shelf.volumes, nil
	}
	listing := r.shelf.listing.next(mod, now)
	r.shelf.mu.Unlock()
	bases, err := r.list()
	if err != nil {
		return nil, err
	}
	vs := r.hideOrigins(r.shelf.take(bases))
	r.shelf.mu.Lock()
	r.shelf.volumes, r.shelf.listing = vs, listing
	r.shelf.mu.Unlock()
	return vs, nil
}

// folderTimes returns the folder's time of change, and ours after it.
func (r *Reader) folderTimes() (mod, now time.Time, err error) {
	st, err := os.Stat(r.dir)
	if err != nil {
		return mod, now, folderError(r.dir, err)
	}
	return st.ModTime(), time.Now(), nil
}

// sideFiles lists the names that begin with a dot, unless the folder has not changed
// since the last time.
func (r *Reader) sideFiles() ([]fs.DirEntry, error) {
	mod, now, err := r.folderTimes()
	if err != nil {
		return nil, err
	}
	r.shelf.mu.Lock()
	if r.shelf.sidesListing.holds(mod, now) {
		defer r.shelf.mu.Unlock()
		return r.shelf.sides, nil
	}
	listing := r.shelf.sidesListing.next(mod, now)
	r.shelf.mu.Unlock()
	items, err := readDir(r.dir)
	if err != nil {
		return nil, folderError(r.dir, err)
	}
	items = slices.DeleteFunc(items, func(item fs.DirEntry) bool { return item.Name()[0] != '.' })
	r.shelf.mu.Lock()
	r.shelf.sides, r.shelf.sidesListing = items, listing
	r.shelf.mu.Unlock()
	return items, nil
}

// take makes volumes of what was listed, with what was known of them.
func (s *shelf) take(bases []listed) []*volume {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byBase
	s.byBase = make(map[string]*volume, len(bases))
	vs := make([]*volume, len(bases))
	for i := range bases {
		l := &bases[i]
		v := known[l.text]
		delete(known, l.text)
		switch {
		case v == nil:
			v = newVolume(l)
		case v.listed != *l:
			was := v
			v = &volume{listed: *l, info: was.info, open: was.open}
			if l.closed && was.open != nil {
				was.open.drop()
				v.open = nil
			}
		}
		vs[i], s.byBase[l.text] = v, v
	}
	for _, v := range known {
		if i := v.info.Load(); i != nil {
			s.size -= len(i.filter)
		}
		if v.open != nil {
			v.open.drop()
		}
	}
	return vs
}

func newVolume(l *listed) *volume {
	v := &volume{listed: *l, info: new(atomic.Pointer[fileInfo])}
	if !l.closed {
		v.open = &openIndex{}
	}
	return v
}

// volume returns what is kept of a base that was listed.
func (s *shelf) volume(l *listed) *volume {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.byBase[l.text]; v != nil && v.listed == *l {
		return v
	}
	return newVolume(l)
}

// keep remembers a closed file. Where the filters need too much room, those of the
// oldest files are dropped: what is asked for is mostly young.
func (s *shelf) keep(v *volume, i *fileInfo) {
	if s.limit < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.info.Load() != nil || s.byBase[v.text] == nil || s.byBase[v.text].info != v.info {
		return
	}
	need := len(i.filter)
	for _, old := range s.volumes {
		if s.size+need <= s.limit || old.order() >= v.order() {
			break
		}
		if o := old.info.Load(); o != nil && o.filter != nil && s.byBase[old.text] == old {
			bare := *o
			bare.filter = nil
			old.info.Store(&bare)
			s.size -= len(o.filter)
		}
	}
	if s.size+need > s.limit {
		i.filter, need = nil, 0
	}
	s.size += need
	v.info.Store(i)
}

// infoOf returns what there is to know of a closed file, reading its index if need
// be. It is nil for a file without one, or one that is gone.
func (r *Reader) infoOf(v *volume) *fileInfo {
	if i := v.info.Load(); i != nil {
		return i
	}
	f, x, i, err := r.openClosed(v)
	if f != nil {
		_ = f.Close()
	}
	if err != nil || x == nil {
		return nil
	}
	return i
}

// openClosed opens a closed file and reads its index, both of which it remembers.
// The error is only that the file is gone; f is nil for one that can not be opened,
// x for one without an index.
func (r *Reader) openClosed(v *volume) (f *os.File, x *index, i *fileInfo, err error) {
	name := v.text + extClosed
	f, err = r.open(name)
	if err != nil {
		r.unreadable(name, 0, err)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, nil, err
		}
		return nil, nil, nil, nil
	}
	st, err := f.Stat()
	if err == nil {
		x, err = readIndex(f, st.Size())
	}
	if err != nil {
		r.damage.add(Damage{File: name, Err: indexError(err)})
		return f, nil, nil, nil
	}
	i = x.info(diskSize(st))
	r.indexes.put(v.text, x)
	r.shelf.keep(v, i)
	return f, x, i, nil
}
