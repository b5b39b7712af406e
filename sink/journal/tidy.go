package journalsink

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// tidy looks the folder over: what dead writers left is adopted, and the oldest
// files go if there are too many.
func (j *Journal) tidy() {
	bases, temps, err := j.folder()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			j.report(fmt.Errorf("journalsink: %s can not be listed: %w", j.dir, err))
		}
		return
	}
	for _, temp := range temps {
		_ = j.fs.Remove(filepath.Join(j.dir, temp))
	}
	adopted := false
	for i := range bases {
		if j.keep.closing() {
			return
		}
		if l := &bases[i]; l.open && !j.keep.tooSoon(l.text) {
			adopted = j.adopt(l) || adopted
		}
	}
	if adopted {
		if bases, _, err = j.folder(); err != nil {
			return
		}
	}
	j.retain(bases)
}

// folder lists the bases, and the leftover temporary files: those without the file
// that they were made from, which is removed last.
func (j *Journal) folder() (bases []listed, temps []string, err error) {
	bases, err = list(j.dir, j.fs.ReadDir, func(file string) {
		temps = append(temps, file)
	}, nil)
	if err != nil {
		return nil, nil, err
	}
	open := make(map[string]bool)
	for i := range bases {
		open[bases[i].text] = bases[i].open
	}
	kept := temps[:0]
	for _, temp := range temps {
		if b, _, _ := splitName(temp); !open[b.text] {
			kept = append(kept, temp)
		}
	}
	return bases, kept, nil
}

// adopt compresses a file if its writer is dead, and reports whether it did. Of two
// adopters one gets the lock; the other may get it later, on a file that has lost
// its name by then.
func (j *Journal) adopt(l *listed) bool {
	path := filepath.Join(j.dir, l.text+extOpen)
	f, err := j.fs.Open(path)
	if err != nil {
		return false // gone, or another user's: not ours to say anything about
	}
	c := &openFile{f: f, base: l.text, path: path}
	if err := f.Lock(); err != nil || !f.Named(path) {
		_ = f.Close()
		return false
	}
	if l.closed && j.complete(l.text+extClosed) {
		// Its writer died between giving the .zst its name and taking this one away.
		_ = j.fs.Remove(path)
		_ = f.Close()
		return true
	}
	before := j.count.sealErrors.Load()
	j.finish(c)
	if j.count.sealErrors.Load() != before || j.keep.abort.Load() {
		return false
	}
	j.count.adopted.Add(1)
	return true
}

// complete reports whether a closed file has its index.
func (j *Journal) complete(name string) bool {
	f, err := j.fs.Open(filepath.Join(j.dir, name))
	if err != nil {
		return false
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return false
	}
	_, err = readIndex(f, size)
	return err == nil
}

// failed remembers a file that could not be compressed, tooSoon says whether it is
// to be left alone for a while. Only the second goroutine calls them.
func (k *keeper) failed(base string) {
	if k.last == nil {
		k.last = make(map[string]time.Time)
	}
	k.last[base] = k.j.opts.Now()
}

func (k *keeper) tooSoon(base string) bool {
	at, ok := k.last[base]
	if !ok {
		return false
	}
	if since := k.j.opts.Now().Sub(at); since >= 0 && since < tidyEvery {
		return true
	}
	delete(k.last, base)
	return false
}
