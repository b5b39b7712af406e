package blackbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// Found is a table that was read.
type Found struct {
	Path  string
	Alive bool // its process is
	// Seen is when the process was last known to be alive while it served something;
	// zero if that is not known.
	Seen     time.Time
	Resource *entry.Resource // whose it is; nil if that is not known
	Journal  string          // the name of the process's journal; "" if that is not known
	Requests []Listed

	number uint64
	memory bool
	file   *os.File // holds the lock, for Remove
}

// Listed is one request that is in a table.
type Listed struct {
	sink.InFlightRequest
	slot int
	use  uint64
}

// List returns the paths of the tables in a folder.
func List(items []fs.DirEntry, dir string) (paths []string) {
	for _, item := range items {
		if digits, ok := strings.CutPrefix(item.Name(), Prefix); ok && len(digits) == 16 && hexDigits(digits) && item.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, item.Name()))
		}
	}
	return paths
}

func hexDigits(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Read reads a table, of a living process too. It changes nothing. The error wraps
// [ErrDamaged], [ErrVersion], [ErrUnsupported] or what the system said.
func Read(path string) (*Found, error) { return look(path, true) }

// ReadDead is [Read] with [ErrAlive] for the table of a living process, at less cost.
func ReadDead(path string) (*Found, error) { return look(path, false) }

func look(path string, living bool) (*Found, error) {
	f, err := open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	alive := false
	if err := lock(f, true); err != nil {
		if alive = errors.Is(err, ErrAlive); !alive || !living {
			return nil, err
		}
	}
	found, err := read(f, path)
	if err != nil {
		return nil, err
	}
	if found.Alive && !living {
		return nil, ErrAlive
	}
	found.Alive = found.Alive || alive
	return found, nil
}

// Adopt reads the table of a dead process and holds its lock, so that nobody else
// does, until Remove or Close. The error is that of [Read], or wraps [ErrAlive], also
// where another process adopts it. A damaged one is held too: it can be removed.
func Adopt(path string) (*Found, error) {
	f, err := open(path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	err = lock(f, false)
	if err == nil && !named(f, path) {
		err = ErrAlive // whoever had the lock before has removed it
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	found, err := read(f, path)
	if err == nil && found.Alive {
		_ = f.Close()
		return nil, ErrAlive
	}
	if err != nil {
		found = &Found{Path: path}
	}
	found.file = f
	return found, err
}

// Remove takes the file away, and lets the lock go.
func (t *Found) Remove() error {
	if t.memory {
		_ = os.Remove(memoryPath(t.number))
	}
	err := os.Remove(t.Path)
	return errors.Join(err, t.Close())
}

// Close lets the lock go.
func (t *Found) Close() error { return t.file.Close() }

func open(path string, mode int) (*os.File, error) {
	if !supported || !littleEndian() {
		return nil, ErrUnsupported
	}
	f, err := os.OpenFile(path, mode|noFollow, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("%w: it is no regular file", ErrDamaged)
	}
	return f, nil
}

func read(f *os.File, path string) (*Found, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(st.Size(), fileSize(MaxSlots)))
	n, err := f.ReadAt(b, 0)
	if n < len(b) {
		return nil, fmt.Errorf("blackbox: reading %s: %w", path, err)
	}
	alive := false
	if len(b) == headerSize {
		if h, err := parseHeader(b, st.Size()); err == nil && h.memory {
			if b, alive, err = readMemory(h.number, st); err != nil {
				return nil, err
			}
		}
	}
	found, err := parse(b, path)
	if err == nil {
		found.Alive = alive
	}
	return found, err
}

// readMemory reads the file of the slots that a header in a folder names, if it belongs
// to the same user: anybody may make files there. alive is true while a process has them
// mapped: the header may be one in a copy of its folder, whose lock nobody holds.
func readMemory(number uint64, folder fs.FileInfo) (b []byte, alive bool, err error) {
	path := memoryPath(number)
	if path == "" {
		return nil, false, ErrGone
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, ErrGone
	}
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if !st.Mode().IsRegular() || !sameOwner(st, folder) {
		return nil, false, fmt.Errorf("%w: %s is not its owner's", ErrDamaged, path)
	}
	b = make([]byte, min(st.Size(), fileSize(MaxSlots)))
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, false, fmt.Errorf("blackbox: reading %s: %w", path, err)
	}
	if h, err := parseHeader(b, st.Size()); err != nil || h.number != number {
		return nil, false, fmt.Errorf("%w: %s is another one's", ErrDamaged, path)
	}
	return b, errors.Is(lock(f, true), ErrAlive), nil
}

// parse reads a table from its bytes. Slots that fail their check are passed over, as
// are those that are missing at the end.
func parse(b []byte, path string) (*Found, error) {
	h, err := parseHeader(b, int64(len(b)))
	if err != nil {
		return nil, err
	}
	t := &Found{Path: path, number: h.number, memory: h.memory}
	t.Resource, t.Journal = h.owner()
	if h.seen != 0 {
		t.Seen = time.Unix(0, h.seen).UTC()
	}
	for i := range h.slots {
		at := headerSize + i*slotSize
		if at+slotSize > len(b) {
			break
		}
		if r, ok := parseSlot(b[at : at+slotSize]); ok {
			r.slot = i
			t.Requests = append(t.Requests, r)
		}
	}
	return t, nil
}

func parseSlot(b []byte) (r Listed, ok bool) {
	le := binary.LittleEndian
	state := le.Uint64(b)
	if state&inUse == 0 {
		return r, false
	}
	ids, methods, paths := int(b[slotLens]), int(b[slotLens+1]), int(b[slotLens+2])
	if ids+methods+paths > textSize {
		return r, false
	}
	end := slotText + ids + methods + paths
	if crc32.Update(0, castagnoli(), b[slotLens:end]) != le.Uint32(b[slotCRC:]) {
		return r, false
	}
	text := b[slotText:end]
	r.use = state >> 1
	r.Start = time.Unix(0, int64(le.Uint64(b[slotStart:]))).UTC()
	r.Span, r.Parent = txid.SpanID(le.Uint64(b[slotSpan:])), txid.SpanID(le.Uint64(b[slotParent:]))
	if id, err := txid.Parse(string(text[:ids])); err == nil {
		r.ID = id
	}
	// A file that anybody may have written is read with the same caution with which it
	// is written.
	if m := string(text[ids : ids+methods]); plainRoute(m) {
		r.Method = m
	}
	if p := string(text[ids+methods:]); plainPath(p) {
		r.Path = p
	}
	if n := int(b[slotRoute]); n <= routeSize {
		if route := string(b[routeText : routeText+n]); plainRoute(route) {
			r.Route = route
		}
	}
	r.Stream = b[slotFlags]&flagStream != 0
	return r, true
}

// plainPath reports whether a path is one that appendPath writes.
func plainPath(p string) bool {
	var room [textSize]byte
	p = strings.TrimSuffix(p, maskedPath)
	return p == "" || string(appendPath(room[:0], strings.TrimSuffix(p, "/"))) == strings.TrimSuffix(p, "/") || p == "/"
}

// Entries returns a crash entry for each request, not sealed. The same table gives the
// same entries with the same InsertIDs, whoever reads it.
func (t *Found) Entries() []*entry.Entry {
	all := make([]*entry.Entry, 0, len(t.Requests))
	for i := range t.Requests {
		r := &t.Requests[i]
		e := &entry.Entry{
			Time: r.Start, TxID: r.ID, Kind: entry.KindCrash, Severity: entry.SeverityCritical,
			InsertID: fmt.Sprintf("%016x%04x%x", t.number, r.slot, r.use),
			Span:     r.Span, Parent: r.Parent,
			HTTP:     entry.HTTP{Method: r.Method, URL: r.Path, Route: r.Route},
			Resource: t.Resource,
		}
		if t.Seen.After(r.Start) {
			e.Latency = t.Seen.Sub(r.Start)
		}
		e.Message = r.message()
		all = append(all, e)
	}
	return all
}

func (r *Listed) message() string {
	what := r.Method
	if name := r.Route; name != "" || r.Path != "" {
		if name == "" {
			name = r.Path
		}
		what += " " + name
	}
	if what == "" {
		what = "a request"
	}
	if r.Stream {
		return what + ": the process died with this connection open"
	}
	return what + ": the process died while serving this"
}
