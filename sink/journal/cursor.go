package journalsink

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// shipDir is the side folder in which the shipping of entries keeps its books:
//
//	.ship/SINK/WRITER.cursor      how far the files of one writer's name were shipped
//	.ship/SINK/WRITER.lock        held by the process that ships them
//	.ship/SINK/dead-WRITER.jsonl  what the sink has refused for good
//
// SINK is [shipFolder] of the sink's name, WRITER the name that begins the files.
const (
	shipDir   = ".ship"
	extCursor = ".cursor"
	extLock   = ".lock"
)

// cursorVersion is the version of a cursor that this library writes and reads.
const cursorVersion = 1

// maxCursor bounds a cursor's size: a hostile file must not take all memory. It has
// some 20 bytes for every process that has files in the folder.
const maxCursor = 16 << 20

// maxKnown bounds how many lines a cursor says that a file has: should the file be gone,
// they are counted as lost, and such counts are added up.
const maxKnown = 2 * maxFileBytes

// ErrCursor is reported for a cursor that can not be used: damaged, or of another
// version. Shipping then begins again with the oldest file: entries come twice, under
// the same insertId, and none is lost.
var ErrCursor = errors.New("journalsink: cursor damaged or of another version")

// shipCursor says how far the files of one writer's name were shipped to one sink. It is
// one line of JSON with the checksum of a journal's line as its last member.
//
// A base that it does not speak of has not been shipped.
type shipCursor struct {
	Version int       `json:"version"`
	Sink    string    `json:"sink"`
	Writer  string    `json:"writer"`
	Time    time.Time `json:"time"` // when it was written: a sign of life
	// Done holds, for each process that has written files (the rand of their names),
	// the last seq that was shipped whole, all before it included.
	Done map[string]int64 `json:"done,omitempty"`
	// Merged holds the merged files that are done, with all their parts, by base: their
	// sizes in bytes, by which another one of the same name is told from them.
	Merged map[string]int64 `json:"merged,omitempty"`
	// At holds the bases that were begun or are known to wait.
	At map[string]place `json:"at,omitempty"`
	// Again is how far the dead letters that are to be sent again were.
	Again int64 `json:"again,omitempty"`
	// Lost is what was removed before it was delivered, as far as the sink was told by
	// gap entries.
	Lost *lostNote `json:"lost,omitempty"`
}

// lostNote is how much was lost, and when last.
type lostNote struct {
	Entries int64     `json:"entries"`
	Last    time.Time `json:"last"`
}

// place is how far one base was shipped.
type place struct {
	Offset  int64 `json:"offset"`            // plain, behind the last settled line
	Settled int64 `json:"settled,omitempty"` // lines before Offset
	Known   int64 `json:"known,omitempty"`   // lines in the base, as last counted
	Aside   bool  `json:"aside,omitempty"`   // it can not be read, for so long that nobody waits for it
}

// done reports whether a base that is not merged was shipped whole.
func (c *shipCursor) done(b baseName) bool {
	rnd, seq := b.incarnation()
	last, ok := c.Done[rnd]
	return ok && seq <= last
}

// writer is the name that begins a base.
func (b baseName) writer() string { return b.text[:b.sort-1] }

// incarnation returns the rand of the writer's process, and its number for the file.
func (b baseName) incarnation() (rnd string, seq int64) {
	at := b.sort + len(stampLayout) + 1
	rnd = b.text[at : at+8]
	seq, _ = strconv.ParseInt(b.text[at+9:], 10, 64) // at most 12 digits: splitName
	return rnd, seq
}

// encode returns the file's content.
func (c *shipCursor) encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return appendLine(nil, b), nil
}

// parseCursor reads a file's content. The error wraps [ErrCursor].
func parseCursor(b []byte) (*shipCursor, error) {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	line, err := stripLine(append([]byte(nil), b...))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCursor, err)
	}
	c := &shipCursor{}
	if err := json.Unmarshal(line, c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCursor, err)
	}
	if c.Version != cursorVersion {
		return nil, fmt.Errorf("%w: version %d, this library knows %d", ErrCursor, c.Version, cursorVersion)
	}
	if c.Again < 0 || c.Lost != nil && c.Lost.Entries < 0 {
		return nil, fmt.Errorf("%w: a negative number", ErrCursor)
	}
	for base, size := range c.Merged {
		if b, _, ok := splitName(base + extClosed); !ok || !b.merged() || b.writer() != c.Writer || size < 0 {
			return nil, fmt.Errorf("%w: %q is no merged file of %q", ErrCursor, base, c.Writer)
		}
	}
	for base, at := range c.At {
		if b, ext, ok := splitName(base + extOpen); !ok || ext != extOpen || b.writer() != c.Writer {
			return nil, fmt.Errorf("%w: %q is no file of %q", ErrCursor, base, c.Writer)
		}
		if at.Offset < 0 || at.Settled < 0 || at.Known < 0 {
			return nil, fmt.Errorf("%w: %s: a negative number", ErrCursor, base)
		}
		if max(at.Settled, at.Known) > maxKnown {
			return nil, fmt.Errorf("%w: %s: no file has so many lines", ErrCursor, base)
		}
	}
	return c, nil
}

// readCursor reads a cursor. The error wraps [ErrCursor], or is the file system's.
func readCursor(files fsys, path string) (*shipCursor, error) {
	f, err := files.Open(path)
	if err != nil {
		if st, serr := files.Lstat(path); serr == nil && !st.Mode().IsRegular() {
			err = fmt.Errorf("%w: it is no file but a %s", ErrCursor, typeName(st.Mode()))
		}
		return nil, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > maxCursor {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d", ErrCursor, size, maxCursor)
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); err != nil && !isEOF(err) {
		return nil, err
	} else if int64(n) < size {
		b = b[:n]
	}
	return parseCursor(b)
}

func shipPath(dir, folder, file string) string {
	return filepath.Join(dir, shipDir, folder, file)
}
