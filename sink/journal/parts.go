package journalsink

import (
	"path/filepath"
	"slices"
	"strings"
)

// A merged file stands under its first part's name, and a sink may have got that part and
// not the others: one that began while the files were merged, or one that was away for so
// long that they were not kept for it. So it is done only if each of its parts is; else
// it is shipped from the first part that is not.

// run is files of one process that follow one another: those of a merged file, or a
// single one.
type run struct {
	rnd         string // of the process
	first, last int64  // numbers of its files
}

// parts is what is kept of a merged file that was not shipped whole.
type parts struct {
	runs []run
	size int64 // of the file
}

func (b baseName) run() []run {
	rnd, seq := b.incarnation()
	return []run{{rnd, seq, seq}}
}

// runsOf returns the runs of a merged file's parts. They hold nothing of the index.
func runsOf(origins []origin) (runs []run) {
	for i := range origins {
		b, _, ok := splitName(origins[i].base + extClosed)
		if !ok {
			continue // parseOrigins has looked
		}
		rnd, seq := b.incarnation()
		if n := len(runs); n > 0 && runs[n-1].rnd == rnd {
			runs[n-1].first, runs[n-1].last = min(runs[n-1].first, seq), max(runs[n-1].last, seq)
			continue
		}
		runs = append(runs, run{strings.Clone(rnd), seq, seq})
	}
	return runs
}

// doneRuns reports whether all files of some runs were shipped whole. Of none that can not
// be said.
func doneRuns(done map[string]int64, runs []run) bool {
	for _, r := range runs {
		if last, ok := done[r.rnd]; !ok || last < r.last {
			return false
		}
	}
	return len(runs) > 0
}

// readOrigins reads of what a closed file was made, and its size.
func readOrigins(files fsys, dir, base string) (origins []origin, size int64, err error) {
	f, err := files.Open(filepath.Join(dir, base+extClosed))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	if size, err = f.Size(); err != nil {
		return nil, 0, err
	}
	x, err := readIndex(f, size)
	if err != nil {
		return nil, size, err
	}
	return x.origins, size, nil
}

// shipped reports whether a base was shipped whole, as a cursor says: it looks into a merged
// file that the cursor does not speak of. One that can not be looked into was not.
func (c *shipCursor) shipped(b baseName, runs func(base string) []run) bool {
	if !b.merged() {
		return c.done(b)
	}
	if _, ok := c.Merged[b.text]; ok {
		return true
	}
	return doneRuns(c.Done, runs(b.text))
}

// isDone reports whether a base was shipped whole.
func (f *feed) isDone(b baseName) bool {
	if b.merged() {
		_, ok := f.merged[b.text]
		return ok
	}
	rnd, seq := b.incarnation()
	last, ok := f.done[rnd]
	return ok && seq <= last
}

// runs returns the files that a base stands for.
func (f *feed) runs(b baseName) []run {
	if p := f.parts[b.text]; p != nil && len(p.runs) > 0 {
		return p.runs
	}
	return b.run()
}

// cover says which files are in merged ones that were not shipped whole.
type cover struct {
	f    *feed
	by   map[string][]covered // by rnd
	read map[string][]origin  // of merged files, once they were needed
	// begun: of what is in them something may have been shipped.
	begun bool
}

type covered struct {
	run
	merged string
}

// merges brings up to date what is known of the merged files. The processes whose files
// are in those that were not shipped whole are alive: their numbers say which parts are
// done.
func (f *feed) merges(all []listed, alive map[string]bool) *cover {
	c := &cover{f: f, by: make(map[string][]covered), read: make(map[string][]origin)}
	c.begun = len(f.done) > 0 || slices.ContainsFunc(f.order, func(x *followed) bool { return x.settled.offset > 0 })
	there := make(map[string]bool)
	for i := range all {
		l := &all[i]
		if !l.merged() || !l.closed || l.writer() != f.s.opts.Name {
			continue
		}
		there[l.text] = true
		if f.isDone(l.baseName) {
			continue
		}
		p := f.parts[l.text]
		if p == nil {
			origins, size, err := readOrigins(f.s.fs, f.s.dir, l.text)
			if err != nil {
				continue // it is shipped as every other file
			}
			p = &parts{runsOf(origins), size}
			f.parts[l.text] = p
		}
		if doneRuns(f.done, p.runs) {
			f.merged[l.text] = p.size
			delete(f.parts, l.text)
			f.dirty = true
			continue
		}
		for _, r := range p.runs {
			alive[r.rnd] = true
			c.by[r.rnd] = append(c.by[r.rnd], covered{r, l.text})
		}
	}
	for base := range f.merged {
		if !there[base] {
			delete(f.merged, base)
			f.dirty = true
		}
	}
	for base := range f.parts {
		if !there[base] {
			delete(f.parts, base)
		}
	}
	return c
}

// has reports whether a file is part of a merged one that is, or will be, shipped.
func (c *cover) has(b baseName) bool {
	if b.merged() {
		return false
	}
	rnd, seq := b.incarnation()
	for _, r := range c.by[rnd] {
		if seq < r.first || seq > r.last {
			continue
		}
		if _, ok := spanOf(c.origins(r.merged), b.text); ok {
			return true
		}
	}
	return false
}

// origins returns the parts of a merged file; nil if they can not be read now.
func (c *cover) origins(merged string) []origin {
	origins, ok := c.read[merged]
	if !ok {
		origins, _, _ = readOrigins(c.f.s.fs, c.f.s.dir, merged)
		c.read[merged] = origins
	}
	return origins
}

// place returns where the shipping of a merged file begins: with the first line that was
// not settled when it was in a part.
func (c *cover) place(merged baseName) (at position) {
	f := c.f
	if f.parts[merged.text] == nil || !c.begun {
		return at
	}
	for _, o := range c.origins(merged.text) {
		b, _, _ := splitName(o.base + extClosed)
		if !f.isDone(b) {
			at.offset = o.at
			if x := f.bases[o.base]; x != nil && x.settled.offset <= o.size {
				at.offset += x.settled.offset
				at.lines += x.settled.lines
			}
			return at
		}
		at.lines += o.rows
	}
	return position{}
}
