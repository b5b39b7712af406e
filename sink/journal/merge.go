package journalsink

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
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
		return // another process does it
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
			j.report(fmt.Errorf("journalsink: small files of %s stay as they are: %w", j.dir, err))
			return
		}
	}
}

// lockSide takes the lock of a side file, which stays in the folder.
func (j *Journal) lockSide(name string) (file, error) {
	path := filepath.Join(j.dir, name)
	f, err := j.fs.Open(path)
	if err != nil {
		if f, err = j.fs.Create(path, j.opts.fileMode()); err != nil {
			return nil, err
		}
	}
	if err := f.Lock(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// small returns groups of files to merge, without those that have been.
func (j *Journal) small(bases []listed, been map[string]bool) [][]*listed {
	byName := make(map[string][]*listed)
	var order []string
	sizes := make(map[*listed]int64)
	var needed *holds
	for i := range bases {
		l := &bases[i]
		if l.open || !l.closed || l.merged() || been[l.text] || j.keep.tooSoon(l.text) {
			continue
		}
		st, err := j.fs.Lstat(filepath.Join(j.dir, l.text+extClosed))
		if err != nil || st.Size() > j.opts.MaxFileBytes/64 {
			continue
		}
		if needed == nil {
			needed = readHolds(j.fs, j.dir, j.opts.Now())
		}
		if _, is := needed.needs(l.baseName); is {
			continue
		}
		name := l.writer()
		if byName[name] == nil {
			order = append(order, name)
		}
		byName[name] = append(byName[name], l)
		sizes[l] = st.Size()
	}
	var groups [][]*listed
	for _, name := range order {
		var group []*listed
		size := int64(0)
		for _, l := range byName[name] {
			group = append(group, l)
			// Lines compress to a fifth or less: not far from a whole file.
			if size += sizes[l]; size >= j.opts.MaxFileBytes/8 || len(group) == maxOrigins {
				groups = append(groups, group)
				group, size = nil, 0
			}
		}
		if len(group) >= mergeAtLeast || len(group) >= mergeFew && size >= j.opts.MaxFileBytes/16 {
			groups = append(groups, group)
		}
	}
	return groups
}

// merged reports whether a base is that of a merged file: its number is 0, which no
// writer begins with.
func (b baseName) merged() bool {
	_, seq := b.incarnation()
	return seq == 0
}

// mergedBase names the file that a group is merged into. It stands where the group's
// first file stood, and is of the same process, so that cursors which are done with
// that are done with it.
func mergedBase(first baseName) string {
	return first.text[:strings.LastIndexByte(first.text, '-')] + "-000000"
}

// merge makes one file of several, and removes them. A crash leaves a side file, or
// both: the merged file names its parts, so that readers take only it, and the next
// look at the folder removes them.
func (j *Journal) merge(group []*listed) error {
	base := mergedBase(group[0].baseName)
	final := filepath.Join(j.dir, base+extClosed)
	if _, err := j.fs.Lstat(final); err == nil {
		return fmt.Errorf("%w: %s is there already", errMerge, base+extClosed)
	}
	temp := filepath.Join(j.dir, mergeTemp+base+".tmp")
	out, err := j.fs.Create(temp, j.opts.fileMode())
	if err != nil {
		return err
	}
	merged, err := j.mergeInto(out, group)
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil && len(merged) < 2 {
		err = fmt.Errorf("%w: %d of %d files can be read whole", errMerge, len(merged), len(group))
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
	for _, l := range merged {
		_ = j.fs.Remove(filepath.Join(j.dir, l.text+extClosed))
	}
	j.count.merged.Add(int64(len(merged)))
	return nil
}

// mergeInto writes the merged file and returns which files of the group are in it.
func (j *Journal) mergeInto(out io.Writer, group []*listed) (merged []*listed, err error) {
	s, err := newSealer(out)
	if err != nil {
		return nil, err
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	for _, l := range group {
		p, err := j.openPart(l, dec)
		if err != nil {
			// What can not be read whole is left alone, and for a while not tried.
			j.keep.failed(l.text)
			continue
		}
		if at := s.plainAt + int64(len(s.plain)); len(merged) > 0 && at+p.x.plain > j.opts.MaxFileBytes {
			_ = p.f.Close()
			break
		}
		err = s.part(l.text, p, j.keep.abort.Load)
		_ = p.f.Close()
		if err != nil {
			j.keep.failed(l.text)
			return nil, err
		}
		merged = append(merged, l)
	}
	return merged, s.finish()
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

// openPart opens a file and its index, and reads it once, to know that it is whole:
// what has been written of a damaged one could not be taken back.
func (j *Journal) openPart(l *listed, dec *zstd.Decoder) (*part, error) {
	f, err := j.fs.Open(filepath.Join(j.dir, l.text+extClosed))
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	var x *index
	if err == nil {
		x, err = readIndex(f, size)
	}
	p := &part{f: f, x: x, dec: dec}
	if err == nil && x.plain > maxFileBytes {
		err = fmt.Errorf("%w: too large", errMerge)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, p)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	p.next, p.rest = 0, nil
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
		if k.size > maxFrame || k.plain > maxFrame {
			return 0, fmt.Errorf("%w: %w", ErrBlock, errTooLong)
		}
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
	if err := s.lines(p, p.x.plain, aborted); err != nil {
		return err
	}
	o.rows = s.cols.rows - before
	if int64(o.rows) != p.x.entries || s.plainAt+int64(len(s.plain)) != o.at+o.size || s.bad != bad {
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
