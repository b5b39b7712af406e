package journalsink

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Which files are merged into one is decided by what a sink gets that begins with the
// oldest: the entries of each process in their order. A merged file stands where its
// first part stood, so it may have
//
//   - files of one process that follow one another, whatever stands between them of
//     others; or
//   - dead processes with all their files: of such a one nothing stands elsewhere.

// process is the files of one process, in the order of its numbers.
type process struct {
	files []*listed
	sizes []int64 // of those that may be merged; -1: may not
}

// small returns groups of files to merge, without those that have been.
func (j *Journal) small(bases []listed, been map[string]bool) [][]*listed {
	writers, order := j.processes(bases, been)
	var groups [][]*listed
	for _, writer := range order {
		var whole merging
		whole.most = j.opts.MaxFileBytes
		for _, p := range writers[writer] {
			if len(p.files) < mergeAtLeast && !slices.Contains(p.sizes, -1) {
				whole.add(p.files, p.sizes)
				continue
			}
			own := merging{most: j.opts.MaxFileBytes}
			for i := range p.files {
				if p.sizes[i] < 0 {
					own.end()
					continue
				}
				own.add(p.files[i:i+1], p.sizes[i:i+1])
			}
			own.end()
			groups = append(groups, own.groups...)
		}
		whole.end()
		groups = append(groups, whole.groups...)
	}
	return groups
}

// processes sorts the bases by the processes that wrote them, those of each writer's
// name in the order in which they began.
func (j *Journal) processes(bases []listed, been map[string]bool) (writers map[string][]*process, order []string) {
	var needed *holds
	size := func(l *listed) int64 {
		if l.open || !l.closed || l.merged() || j.keep.tooSoon(l.text) {
			return -1
		}
		st, err := j.fs.Lstat(filepath.Join(j.dir, l.text+extClosed))
		if err != nil || st.Size() > j.opts.MaxFileBytes/64 {
			return -1
		}
		if needed == nil {
			needed = j.holds()
		}
		if _, is := needed.needs(l.baseName); is {
			return -1
		}
		return st.Size()
	}
	writers = make(map[string][]*process)
	known := make(map[string]*process)
	for i := range bases {
		l := &bases[i]
		if been[l.text] {
			continue
		}
		rnd, _ := l.incarnation()
		writer := l.writer()
		p := known[writer+"-"+rnd]
		if p == nil {
			p = &process{}
			known[writer+"-"+rnd] = p
			if writers[writer] == nil {
				order = append(order, writer)
			}
			writers[writer] = append(writers[writer], p)
		}
		p.files = append(p.files, l)
	}
	for _, p := range known {
		slices.SortFunc(p.files, func(a, b *listed) int {
			_, x := a.incarnation()
			_, y := b.incarnation()
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.text, b.text)) // not the stamps: a clock may have been set back
		})
		for _, l := range p.files {
			p.sizes = append(p.sizes, size(l))
		}
	}
	for _, ps := range writers {
		slices.SortStableFunc(ps, func(a, b *process) int { return cmp.Compare(a.files[0].order(), b.files[0].order()) })
	}
	return writers, order
}

// merging gathers files to be merged.
type merging struct {
	most   int64 // bytes that a file may have before compression
	groups [][]*listed

	group []*listed
	size  int64
}

// add takes files that belong together.
func (m *merging) add(files []*listed, sizes []int64) {
	if len(m.group)+len(files) > maxOrigins {
		m.end()
	}
	m.group = append(m.group, files...)
	for _, n := range sizes {
		m.size += n
	}
	// Lines compress to a fifth or less: not far from a whole file.
	if m.size >= m.most/8 || len(m.group) == maxOrigins {
		m.end()
	}
}

// end ends a group; one of a few files that would make a small one is none.
func (m *merging) end() {
	if n := len(m.group); n >= mergeAtLeast || n >= mergeFew && m.size >= m.most/16 {
		m.groups = append(m.groups, m.group)
	}
	m.group, m.size = nil, 0
}

// merged reports whether a base is that of a merged file: its number has twelve digits,
// with a zero before them that no writer puts there.
func (b baseName) merged() bool {
	number := b.text[strings.LastIndexByte(b.text, '-')+1:]
	return len(number) == 12 && number[0] == '0'
}

// mergedBase names the file that a group is merged into. It stands where the group's
// first file stood, and is of the same process. Cursors that are done with that need not
// be done with it: see parts.
func mergedBase(first baseName) string {
	_, seq := first.incarnation()
	return fmt.Sprintf("%s-%012d", first.text[:strings.LastIndexByte(first.text, '-')], seq)
}

// sound returns the files of a group that can be read whole, as many as one file may
// hold. What can not be read is left alone, and for a while not tried; so that the others
// keep their order, the rest of its process is left alone, too.
func (j *Journal) sound(group []*listed, dec *zstd.Decoder) []*listed {
	var kept []*listed
	var size int64
	for len(group) > 0 && !j.keep.abort.Load() {
		rnd, _ := group[0].incarnation()
		n := 1
		for ; n < len(group); n++ {
			if other, _ := group[n].incarnation(); other != rnd {
				break
			}
		}
		files := group[:n]
		group = group[n:]
		good, own, fits := 0, int64(0), true
		for ; good < n && fits; good++ {
			plain, err := j.checkPart(files[good], dec)
			if err != nil {
				j.keep.failed(files[good].text)
				if !errors.Is(err, fs.ErrNotExist) {
					j.reportOnce("part "+files[good].text, fmt.Errorf("journalsink: %s is not merged: %w", filepath.Join(j.dir, files[good].text+extClosed), err))
				}
				break
			}
			if fits = size+own+plain <= j.opts.MaxFileBytes || len(kept)+good == 0; !fits {
				break
			}
			own += plain
		}
		switch {
		case good == n:
			kept, size = append(kept, files...), size+own
		case len(kept) == 0 && good > 1:
			return files[:good] // of one process, one after the other
		}
		if !fits {
			break
		}
	}
	return kept
}

// checkPart reads a file, to know that it is whole: what has been written of a damaged
// one could not be taken back. It returns its size before compression.
func (j *Journal) checkPart(l *listed, dec *zstd.Decoder) (int64, error) {
	p, err := j.openPart(l, dec)
	if err != nil {
		return 0, err
	}
	defer func() { _ = p.f.Close() }()
	_, err = io.Copy(io.Discard, p)
	return p.x.plain, err
}
