package journalsink

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// adoptAll takes over what dead writers left.
func (j *Journal) adoptAll() {
	bases, temps, ok := j.folder()
	if !ok {
		return
	}
	for _, temp := range temps {
		_ = j.fs.Remove(filepath.Join(j.dir, temp))
	}
	for i := range bases {
		if j.keep.closing() {
			return
		}
		if l := &bases[i]; l.open && !j.keep.tooSoon(l.text) {
			j.adopt(l)
		}
	}
}

// folder lists the bases, and the leftover temporary files: those without the file
// that they were made from, which is removed last.
func (j *Journal) folder() (bases []listed, temps []string, ok bool) {
	bases, err := list(j.dir, j.fs.ReadDir, func(file string) {
		temps = append(temps, file)
	}, nil)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) { // else the next write makes it again
			j.report(fmt.Errorf("journalsink: %s can not be listed: %w", j.dir, err))
		}
		return nil, nil, false
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
	return bases, kept, true
}

// adopt compresses a file if its writer is dead. Of two adopters one gets the lock;
// the other may get it later, on a file that has lost its name by then.
func (j *Journal) adopt(l *listed) {
	path := filepath.Join(j.dir, l.text+extOpen)
	f, err := j.fs.Open(path)
	if err != nil {
		return // gone, or another user's: not ours to say anything about
	}
	c := &openFile{f: f, base: l.text, path: path, adopted: true}
	if err := f.Lock(); err != nil || !f.Named(path) {
		_ = f.Close()
		return
	}
	if l.closed && j.complete(l.text+extClosed) {
		// Its writer died between giving the .zst its name and taking this one away.
		_ = j.unlink(f, path)
		_ = f.Close()
		j.count.adopted.Add(1)
		return
	}
	size, err := f.Size()
	if size > maxPlain {
		_ = f.Close()
		j.reportOnce("huge "+l.text, fmt.Errorf("journalsink: %s stays as it is: %w: it has %d bytes, and no journal writes more than %d", path, ErrForeign, size, maxPlain))
		return
	}
	c.size = size
	// An empty file is not counted: its maker may live, had not locked it yet and
	// begins another.
	if j.finish(c) && (err != nil || size > 0) {
		j.count.adopted.Add(1)
	}
}

// complete reports whether a closed file has its index.
func (j *Journal) complete(name string) bool {
	f, err := j.fs.Open(filepath.Join(j.dir, name))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
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
