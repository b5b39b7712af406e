package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/txtrail/txtrail/sink"
)

var _ sink.Marker = (*Spool)(nil)

// heldMark is a place in what another process ships: how far it must have got with each
// base, as its cursor says.
type heldMark struct {
	s     *Spool
	path  string // of the cursor
	bases map[string]heldBase
}

type heldBase struct {
	baseName
	to int64 // plain; wholeBase: it must be done with
}

// Mark implements sink.Marker. Letters that are to be sent again are not waited for.
func (s *Spool) Mark(_ context.Context, name string) (sink.Mark, error) {
	m := &heldMark{s: s, path: shipPath(s.dir, shipFolder(name), s.opts.Name+extCursor), bases: make(map[string]heldBase)}
	all, err := list(s.dir, s.fs.ReadDir, nil, nil)
	if err != nil {
		return nil, folderError(s.dir, err)
	}
	c, err := readCursor(s.fs, m.path)
	if err != nil {
		c = &shipCursor{} // it will be written anew
	}
	for i := range all {
		l := &all[i]
		if l.writer() != s.opts.Name || c.At[l.text].Aside || c.shipped(l.baseName, s.runsOf) {
			continue
		}
		to := int64(wholeBase)
		if !l.closed {
			to = s.wholeLines(l.text+extOpen, c.At[l.text].Offset)
		}
		if to > c.At[l.text].Offset {
			m.bases[l.text] = heldBase{l.baseName, to}
		}
	}
	return m, nil
}

// wholeLines returns the offset behind the last whole line of an open file, which is at
// least from; wholeBase if the file has been closed since.
func (s *Spool) wholeLines(name string, from int64) int64 {
	f, err := s.fs.Open(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return wholeBase
	}
	if err != nil {
		return from
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil || size <= from {
		return from
	}
	_, end := countLines(f, from, size)
	return end
}

// Passed implements sink.Mark.
func (m *heldMark) Passed() bool {
	if len(m.bases) == 0 {
		return true
	}
	c, err := readCursor(m.s.fs, m.path)
	if err != nil {
		return false
	}
	for text, b := range m.bases {
		at, begun := c.At[text]
		passed := begun && (at.Aside || at.Offset >= b.to)
		if !begun { // else it is not done
			passed = c.shipped(b.baseName, m.s.runsOf) || m.s.gone(text) && !m.s.waitsMerged(c, text)
		}
		if passed {
			delete(m.bases, text)
		}
	}
	return len(m.bases) == 0
}

// gone reports whether a base has been removed: by the bounds, after it was shipped or
// counted as lost, or since it was merged into another one.
func (s *Spool) gone(text string) bool {
	for _, ext := range [...]string{extOpen, extClosed} {
		if _, err := s.fs.Lstat(filepath.Join(s.dir, text+ext)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// waitsMerged reports whether a base has been merged into a file that was not shipped
// whole.
func (s *Spool) waitsMerged(c *shipCursor, text string) bool {
	all, err := list(s.dir, s.fs.ReadDir, nil, nil)
	if err != nil {
		return true // that is not known
	}
	for i := range all {
		l := &all[i]
		if !l.merged() || !l.closed || l.writer() != s.opts.Name || c.shipped(l.baseName, s.runsOf) {
			continue
		}
		origins, _, _ := readOrigins(s.fs, s.dir, l.text)
		if _, ok := spanOf(origins, text); ok {
			return true
		}
	}
	return false
}

// runsOf looks into a merged file.
func (s *Spool) runsOf(base string) []run {
	origins, _, _ := readOrigins(s.fs, s.dir, base)
	return runsOf(origins)
}
