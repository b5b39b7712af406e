package journalsink

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// cursorLife is how long after it was written a cursor still holds files that nobody ships.
// A sink that was taken out of the configuration must not keep files for ever. While
// somebody ships it holds them however old it is, by the lock: a write to the sink may hang,
// and the clock jump meanwhile. Else it is written at least once in [cursorPulse], also while
// the sink is away.
const (
	cursorLife  = 7 * 24 * time.Hour
	cursorPulse = time.Hour
)

// holds says which bases are still needed by somebody who ships them. It is a
// snapshot of the cursors of all writers and sinks in the folder.
type holds struct {
	files   fsys
	dir     string
	cursors []heldCursor
	stale   []heldCursor     // hold nothing any more; what is removed is noted for them
	runs    map[string][]run // of merged files that were looked into
	// Writers of whose cursor nothing can be told: shipping will begin again with
	// the oldest file.
	unread map[string]string // the folder of the sink, by writer
	// The side folder, or that of a sink, could not be listed: whose cursors are in it
	// nobody knows.
	unlisted string
	odd      []error // what stands where a cursor or a folder of cursors may be
}

// holds reads what is still needed, and tells of what can not be read.
func (j *Journal) holds() *holds {
	h := readHolds(j.fs, j.dir, j.opts.Now())
	for _, err := range h.odd {
		j.reportOnce("hold "+err.Error(), fmt.Errorf("journalsink: %s: what was shipped can not be told, so that files are kept for it as long as MaxBytes allows: %w", j.dir, err))
	}
	return h
}

// heldCursor is a cursor and the folder of its sink.
type heldCursor struct {
	*shipCursor
	folder string
}

// readHolds reads the cursors in dir. What can not be read holds everything of its
// writer: deleting can not be undone.
func readHolds(files fsys, dir string, now time.Time) *holds {
	h := &holds{files: files, dir: dir, unread: map[string]string{}, runs: map[string][]run{}}
	root := filepath.Join(dir, shipDir)
	if !h.folder(files, root, shipDir) {
		return h // usually there is none
	}
	sinks, err := files.ReadDir(root)
	if err != nil {
		h.miss(err, shipDir)
		return h
	}
	for _, s := range sinks {
		folder := filepath.Join(root, s.Name())
		if !s.IsDir() && !h.folder(files, folder, s.Name()) {
			continue
		}
		list, err := files.ReadDir(folder)
		if err != nil {
			h.miss(err, s.Name())
			continue
		}
		for _, item := range list {
			if writer, ok := strings.CutSuffix(item.Name(), extCursor); ok {
				h.cursor(files, shipPath(dir, s.Name(), item.Name()), s.Name(), writer, now)
			}
		}
	}
	return h
}

// folder reports whether a path is a folder. A link is not followed: who ships does not
// either, but an older version may.
func (h *holds) folder(files fsys, path, name string) bool {
	st, err := files.Lstat(path)
	switch {
	case err != nil:
		h.miss(err, name)
		return false
	case st.IsDir():
		return true
	case st.Mode()&fs.ModeSymlink != 0:
		h.unlisted = name
		h.odd = append(h.odd, fmt.Errorf("%s: %w: it is a %s, which is not followed", path, ErrForeign, typeName(st.Mode())))
	}
	return false // a file has no cursors
}

// cursor reads one.
func (h *holds) cursor(files fsys, path, folder, writer string, now time.Time) {
	st, err := files.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil && !st.Mode().IsRegular() {
		// Who ships can not write it down: its age says nothing.
		h.unread[writer] = folder
		h.odd = append(h.odd, fmt.Errorf("%s: %w: it is a %s", path, ErrForeign, typeName(st.Mode())))
		return
	}
	c, rerr := readCursor(files, path)
	if rerr == nil && c.Writer != writer {
		rerr = fmt.Errorf("%w: it is of %q", ErrCursor, c.Writer)
	}
	switch {
	case errors.Is(rerr, fs.ErrNotExist):
	case rerr == nil:
		if now.Sub(c.Time) < cursorLife || h.shipping(folder, writer) {
			h.cursors = append(h.cursors, heldCursor{c, folder})
		} else {
			h.stale = append(h.stale, heldCursor{c, folder})
		}
	case err != nil || now.Sub(st.ModTime()) < cursorLife || h.shipping(folder, writer):
		h.unread[writer] = folder
		h.odd = append(h.odd, fmt.Errorf("%s: %w", path, rerr))
	}
}

// shipping reports whether somebody ships a writer's files to a sink, as the lock says, or
// may do so as far as can be told. To find out it takes the lock for a moment; who wants it
// then tries again.
func (h *holds) shipping(folder, writer string) bool {
	path := shipPath(h.dir, folder, writer+extLock)
	if st, err := h.files.Lstat(path); errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
		return false
	}
	f, err := h.files.Open(path)
	if err == nil {
		err = f.Lock()
		_ = f.Close()
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if !errors.Is(err, errLocked) {
		h.odd = append(h.odd, fmt.Errorf("%s: %w", path, err))
	}
	return true
}

// miss notes a folder that could not be listed: for want of file descriptors, say, or of
// a right. One that is not there, or is none, has no cursors.
func (h *holds) miss(err error, folder string) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return
	}
	h.unlisted = folder
	h.odd = append(h.odd, fmt.Errorf("%s: %w", folder, err))
}

// none reports whether nobody ships from this folder.
func (h *holds) none() bool {
	return len(h.cursors) == 0 && len(h.unread) == 0 && h.unlisted == ""
}

// needs reports whether a base has entries that a sink still lacks, and names one
// such sink.
func (h *holds) needs(b baseName) (sink string, needed bool) {
	writer := b.writer()
	for _, c := range h.cursors {
		if c.Writer == writer && !c.shipped(b, h.runsOf) {
			return c.Sink, true
		}
	}
	if sink, needed = h.unread[writer]; needed {
		return sink, true
	}
	return h.unlisted, h.unlisted != ""
}

// folders returns the folders of the sinks that have not got a base whole, also of those
// that hold nothing any more: should somebody ship to them again, they are told.
func (h *holds) folders(b baseName) (folders []string) {
	writer := b.writer()
	for _, cursors := range [...][]heldCursor{h.cursors, h.stale} {
		for _, c := range cursors {
			if c.Writer == writer && !c.shipped(b, h.runsOf) {
				folders = append(folders, c.folder)
			}
		}
	}
	if folder, ok := h.unread[writer]; ok {
		folders = append(folders, folder)
	}
	return folders
}

// runsOf looks into a merged file, once.
func (h *holds) runsOf(base string) []run {
	runs, ok := h.runs[base]
	if !ok {
		origins, _, _ := readOrigins(h.files, h.dir, base) // without them it is needed
		runs = runsOf(origins)
		h.runs[base] = runs
	}
	return runs
}
