package journalsink

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"syscall"
	"time"
)

// begin reads the cursor, and writes it anew: from here on it holds the files that it
// does not call done.
func (f *feed) begin() error {
	if err := f.load(); err != nil {
		return err
	}
	f.dirty = true
	if err := f.write(); err != nil {
		f.warn(err) // a full disk must not keep entries from leaving it
	}
	return nil
}

// load reads the cursor.
func (f *feed) load() error {
	path := shipPath(f.s.dir, f.folder, f.s.opts.Name+extCursor)
	c, err := readCursor(f.s.fs, path)
	switch {
	case err == nil && (c.Sink != f.name || c.Writer != f.s.opts.Name):
		err = fmt.Errorf("%w: it is of %q and %q", ErrCursor, c.Sink, c.Writer)
		fallthrough
	case errors.Is(err, ErrCursor), errors.Is(err, ErrForeign):
		f.s.opts.OnError(fmt.Errorf("%s: %w; shipping to %s begins again with the oldest file", path, err, f.name))
		c = &shipCursor{}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // a file has its folder's place
		c = &shipCursor{}
	case err != nil:
		return fmt.Errorf("journalsink: %s: %w", path, err)
	}
	maps.Copy(f.done, c.Done)
	f.enterMerged(c)
	for base, at := range c.At {
		b, _, _ := splitName(base + extOpen)
		f.resume(b, at)
	}
	f.again = againFile{path: shipPath(f.s.dir, f.folder, againName(f.s.opts.Name)), read: c.Again, settled: c.Again}
	f.clock = c.Time
	if c.Lost != nil {
		f.note = *c.Lost
	}
	return nil
}

// enterMerged enters the merged files that a cursor calls done.
func (f *feed) enterMerged(c *shipCursor) {
	for base, size := range c.Merged {
		// A file that was removed, and parts that were left merged anew, have its name too.
		if st, err := f.s.fs.Lstat(filepath.Join(f.s.dir, base+extClosed)); err != nil || st.Size() == size {
			f.merged[base] = size
		}
	}
}

// resume follows a base from the place that a cursor says.
func (f *feed) resume(b baseName, at place) {
	x := f.follow(listed{baseName: b}, position{at.Offset, at.Settled})
	x.lines, x.unproven, x.uncounted = max(at.Known, at.Settled), true, true
}

const (
	warnPause = 10 * time.Second // between two warnings
	warnAgain = time.Hour        // until the same is told again
)

// warn tells OnError what is tried again by itself, at most once in ten seconds, and the
// same once in an hour.
func (f *feed) warn(err error) {
	now := time.Now()
	if !f.warned.IsZero() && now.Sub(f.warned) < warnPause {
		return
	}
	text := err.Error()
	if last, ok := f.warnings[text]; ok && now.Sub(last) < warnAgain {
		return
	}
	if f.warnings == nil || len(f.warnings) >= 64 {
		f.warnings = make(map[string]time.Time)
	}
	f.warned, f.warnings[text] = now, now
	f.s.opts.OnError(err)
}

// grownEvery is the least time between two writings of a cursor that is behind with nothing
// but how many lines wait: should files be removed by hand, so many are known to be lost.
const grownEvery = time.Second

// writeIfDue writes the cursor when it is behind and the last writing is long enough
// ago, and now and then as a sign of life.
func (f *feed) writeIfDue() error {
	if f.looking {
		return nil
	}
	pulse := f.s.opts.Now().Sub(f.clock)
	every := f.s.opts.CommitEvery
	switch {
	case f.dirty || pulse < 0 || pulse >= cursorPulse:
	case f.grown:
		if every >= 0 {
			every = max(every, grownEvery) // while a sink is away, files grow with each look
		}
	default:
		return nil
	}
	// A disk on which an fsync takes long must not be kept busy by it.
	if since := time.Since(f.written); every >= 0 && since >= 0 && since < max(every, 10*f.cost) {
		return nil
	}
	return f.write()
}

// write writes the cursor, unless another process ships by now.
func (f *feed) write() error {
	if err := f.hold(); err != nil {
		return err
	}
	c := shipCursor{
		Version: cursorVersion, Sink: f.name, Writer: f.s.opts.Name, Time: f.s.opts.Now().UTC(),
		Done: f.done, Merged: f.merged, At: make(map[string]place, len(f.order)), Again: f.again.settled,
	}
	// No journal writes a file of more lines than maxKnown, but somebody else may have put
	// one there: a cursor that says so could not be read again.
	at := func(x *followed) place {
		return place{Offset: x.settled.offset, Settled: min(x.settled.lines, maxKnown), Known: min(x.lines, maxKnown)}
	}
	for _, x := range f.order {
		p := at(x)
		p.Aside = x.aside
		c.At[x.text] = p
	}
	for _, x := range f.lost {
		c.At[x.text] = at(x)
	}
	if f.note.Entries > 0 {
		c.Lost = &f.note
	}
	b, err := c.encode()
	if err != nil {
		return fmt.Errorf("journalsink: %w", err)
	}
	path := shipPath(f.s.dir, f.folder, f.s.opts.Name+extCursor)
	begun := time.Now()
	err = replaceFile(f.s.fs, path, b, f.s.fileMode())
	f.written = time.Now()
	f.cost = f.written.Sub(begun)
	if err != nil {
		return fmt.Errorf("journalsink: %w", err)
	}
	f.clock, f.dirty, f.grown = c.Time, false, false
	return nil
}

// replaceFile writes a file so that there is, at every moment, the old one or the new
// one. The folder is not synced: after a power failure the old one is good too.
func replaceFile(files fsys, path string, b []byte, perm fs.FileMode) error {
	temp := path + ".tmp"
	_ = files.Remove(temp) // of a dead process: who writes holds the lock
	out, err := files.Create(temp, perm)
	if err != nil {
		return err
	}
	n, err := out.Write(b)
	if err == nil && n < len(b) {
		err = errors.New("short write")
	}
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = files.Rename(temp, path)
	}
	if err != nil {
		_ = files.Remove(temp)
	}
	return err
}
