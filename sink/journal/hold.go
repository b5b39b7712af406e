package journalsink

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// cursorLife is how long after its last sign of life a cursor still holds files. Who
// ships writes it at least once in [cursorPulse], also while the sink is away. A sink
// that was taken out of the configuration must not keep files for ever.
const (
	cursorLife  = 7 * 24 * time.Hour
	cursorPulse = time.Hour
)

// holds says which bases are still needed by somebody who ships them. It is a
// snapshot of the cursors of all writers and sinks in the folder.
type holds struct {
	cursors []*shipCursor
	// Writers of whose cursor nothing can be told: shipping will begin again with
	// the oldest file.
	unread map[string]string // the folder of the sink, by writer
	// The side folder, or that of a sink, could not be listed: whose cursors are in it
	// nobody knows.
	unlisted string
}

// holds reads what is still needed.
func (j *Journal) holds() *holds { return readHolds(j.fs, j.dir, j.opts.Now()) }

// readHolds reads the cursors in dir. What can not be read holds everything of its
// writer: deleting can not be undone.
func readHolds(files fsys, dir string, now time.Time) *holds {
	h := &holds{unread: map[string]string{}}
	sinks, err := files.ReadDir(filepath.Join(dir, shipDir))
	if err != nil {
		h.miss(err, shipDir)
		return h // usually there is none
	}
	for _, s := range sinks {
		if !s.IsDir() {
			continue
		}
		list, err := files.ReadDir(filepath.Join(dir, shipDir, s.Name()))
		if err != nil {
			h.miss(err, s.Name())
			continue
		}
		for _, item := range list {
			writer, ok := strings.CutSuffix(item.Name(), extCursor)
			if !ok || !item.Type().IsRegular() {
				continue
			}
			path := shipPath(dir, s.Name(), item.Name())
			c, err := readCursor(files, path)
			if err == nil && c.Writer == writer {
				if now.Sub(c.Time) < cursorLife {
					h.cursors = append(h.cursors, c)
				}
				continue
			}
			if st, err := files.Lstat(path); err == nil && now.Sub(st.ModTime()) < cursorLife {
				h.unread[writer] = s.Name()
			}
		}
	}
	return h
}

// miss notes a folder that could not be listed: for want of file descriptors, say, or of
// a right. One that is not there, or is none, has no cursors.
func (h *holds) miss(err error, folder string) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return
	}
	h.unlisted = folder
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
		if c.Writer == writer && !c.done(b) {
			return c.Sink, true
		}
	}
	if sink, needed = h.unread[writer]; needed {
		return sink, true
	}
	return h.unlisted, h.unlisted != ""
}
