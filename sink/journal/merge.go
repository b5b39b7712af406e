package journalsink

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A service that is restarted every few seconds, or says little, leaves many small
// files: each costs a look-up an open(2), and compresses badly. They are merged.
const (
	mergeLock = ".merge.lock"
	mergeTemp = ".merge-" // base ".tmp"
	// mergeAtLeast files are merged into one, or as many as fill one.
	mergeAtLeast = 32
	// mergeFew are enough if they fill half a file.
	mergeFew = 8
)

var errMerge = errors.New("not merged")

// mergeSmall merges small closed files, those of one writer's name into one, the
// oldest first. One process of the folder does that at a time. What a sink has not got
// is left alone: its cursor names the file.
func (j *Journal) mergeSmall() {
	now := j.opts.Now()
	if since := now.Sub(j.keep.merged); !j.keep.merged.IsZero() && since >= 0 && since < tidyEvery {
		return
	}
	j.keep.merged = now
	bases, _, ok := j.folder()
	if !ok {
		return
	}
	if len(j.small(bases, nil)) == 0 {
		return
	}
	lock, err := j.lockSide(mergeLock)
	if err != nil {
		if !errors.Is(err, errLocked) { // else another process does it
			j.reportOnce("merge lock "+err.Error(), fmt.Errorf("journalsink: small files of %s stay as they are: %w", j.dir, err))
		}
		return
	}
	defer func() { _ = lock.Close() }()
	// Again, under the lock: another process may just have done it.
	if bases, _, ok = j.folder(); !ok {
		return
	}
	for _, group := range j.small(bases, j.cleanMerges(bases)) {
		if j.keep.closing() {
			return
		}
		if err := j.merge(group); err != nil && !errors.Is(err, errAborted) {
			j.keep.failed(group[0].text)
			j.reportOnce("merge "+group[0].text, fmt.Errorf("journalsink: small files of %s stay as they are: %w", j.dir, err))
			return
		}
	}
}

// lockSide takes the lock of a side file, which stays in the folder.
func (j *Journal) lockSide(name string) (file, error) {
	path := filepath.Join(j.dir, name)
	f, err := j.fs.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = j.fs.Create(path, j.opts.fileMode()); errors.Is(err, fs.ErrExist) {
			f, err = j.fs.Open(path) // another process was faster
		}
	}
	if err != nil {
		return nil, err
	}
	if err := f.Lock(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// merge makes one file of several, and removes them. A crash leaves a side file, or
// both: the merged file names its parts, so that readers take only it, and the next
// look at the folder removes them.
func (j *Journal) merge(group []*listed) error {
	dec, err := newDecoder()
	if err != nil {
		return err
	}
	defer dec.Close()
	parts := j.sound(group, dec)
	if len(parts) < 2 {
		return nil // those that are not sound were told of
	}
	base := mergedBase(parts[0].baseName)
	final := filepath.Join(j.dir, base+extClosed)
	if _, err := j.fs.Lstat(final); err == nil {
		return fmt.Errorf("%w: %s is there already", errMerge, base+extClosed)
	}
	temp := filepath.Join(j.dir, mergeTemp+base+".tmp")
	out, err := j.fs.Create(temp, j.opts.fileMode())
	if err != nil {
		return err
	}
	err = j.mergeInto(out, parts, dec)
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil && j.needed(parts) {
		_ = j.fs.Remove(temp)
		return nil // another time
	}
	if err == nil {
		err = j.fs.Rename(temp, final)
	}
	if err != nil {
		_ = j.fs.Remove(temp)
		return err
	}
	// The name must be on the disk before the others go.
	if err := j.fs.SyncDir(j.dir); err != nil {
		return err
	}
	for _, l := range parts {
		_ = j.fs.Remove(filepath.Join(j.dir, l.text+extClosed))
	}
	j.count.merged.Add(int64(len(parts)))
	return nil
}

// needed reports whether a sink needs one of the files by now: one may have begun while
// they were read. (One that begins still later ships the merged file.)
func (j *Journal) needed(parts []*listed) bool {
	h := j.holds()
	return slices.ContainsFunc(parts, func(l *listed) bool {
		_, is := h.needs(l.baseName)
		return is
	})
}

// mergeInto writes the merged file.
func (j *Journal) mergeInto(out io.Writer, parts []*listed, dec *zstd.Decoder) error {
	s, err := newSealer(out)
	if err != nil {
		return err
	}
	for _, l := range parts {
		p, err := j.openPart(l, dec)
		if err != nil {
			return err
		}
		err = s.part(l.text, p, j.keep.abort.Load)
		_ = p.f.Close()
		if err != nil {
			j.keep.failed(l.text)
			return err
		}
	}
	return s.finish()
}

// part is a closed file that is merged: a reader of its lines.
type part struct {
	f    file
	x    *index
	dec  *zstd.Decoder
	next int
	buf  []byte
	rest []byte
}

// openPart opens a file and its index.
func (j *Journal) openPart(l *listed, dec *zstd.Decoder) (*part, error) {
	f, err := j.fs.Open(filepath.Join(j.dir, l.text+extClosed))
	if err != nil {
		return nil, err
	}
	p := &part{f: f, dec: dec}
	size, err := f.Size()
	if err == nil {
		p.x, err = readIndex(f, size)
	}
	if err == nil && p.x.plain > j.opts.MaxFileBytes {
		err = fmt.Errorf("%w: too large", errMerge)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return p, nil
}

// Read implements io.Reader over the decompressed blocks.
func (p *part) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.next == len(p.x.blocks) {
			return 0, io.EOF
		}
		k := &p.x.blocks[p.next]
		p.next++
		packed := make([]byte, k.size)
		if err := readFull(p.f, packed, k.at); err != nil {
			return 0, err
		}
		plain, err := p.dec.DecodeAll(packed, p.buf[:0])
		if err == nil && int64(len(plain)) != k.plain {
			err = fmt.Errorf("it has %d bytes, the index says %d", len(plain), k.plain)
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrBlock, err)
		}
		p.buf, p.rest = plain, plain
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// part adds a file's lines.
func (s *sealer) part(base string, p *part, aborted func() bool) error {
	o := origin{base: base, at: s.plainAt + int64(len(s.plain)), size: p.x.plain}
	before, bad := s.cols.rows, s.bad
	if err := s.lines(newLineReader(p, 0, p.x.plain), aborted); err != nil {
		return err
	}
	o.rows = int64(s.cols.rows - before)
	if o.rows != p.x.entries || s.plainAt+int64(len(s.plain)) != o.at+o.size || s.bad != bad {
		return fmt.Errorf("%w: %s does not have the lines that its index says", errMerge, base)
	}
	s.cur.damaged += p.x.damaged // blank now; they stay counted
	s.origins = append(s.origins, o)
	return nil
}

// cleanMerges removes what a crash has left: temporary files, and files that are parts
// of a merged one. It returns these, since not every system removes what is open.
func (j *Journal) cleanMerges(bases []listed) (been map[string]bool) {
	if items, err := j.fs.ReadDir(j.dir); err == nil {
		for _, item := range items {
			if name := item.Name(); strings.HasPrefix(name, mergeTemp) && strings.HasSuffix(name, ".tmp") {
				_ = j.fs.Remove(filepath.Join(j.dir, name))
			}
		}
	}
	been = make(map[string]bool)
	there := make(map[string]bool)
	for i := range bases {
		there[bases[i].text] = bases[i].closed && !bases[i].open
	}
	for i := range bases {
		if !bases[i].merged() || !bases[i].closed {
			continue
		}
		f, err := j.fs.Open(filepath.Join(j.dir, bases[i].text+extClosed))
		if err != nil {
			continue
		}
		if size, err := f.Size(); err == nil {
			if x, err := readIndex(f, size); err == nil {
				for _, o := range x.origins {
					been[o.base] = true
					if there[o.base] {
						_ = j.fs.Remove(filepath.Join(j.dir, o.base+extClosed))
					}
				}
			}
		}
		_ = f.Close()
	}
	return been
}
