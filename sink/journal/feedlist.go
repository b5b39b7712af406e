package journalsink

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// follow begins to follow a base. The cursor is to name it from then on, also if nothing
// of it is ever settled: what it does not name nobody misses.
func (f *feed) follow(l listed, at position) *followed {
	b := &followed{listed: l, read: at, settled: at, lines: at.lines, counted: at.offset, from: noMin, to: noMax}
	f.bases[l.text] = b
	f.order = append(f.order, b)
	f.dirty = true
	return b
}

// list brings the bases up to date with the folder.
func (f *feed) list() error {
	var mod time.Time // of a folder that is gone
	if st, err := f.s.fs.Lstat(f.s.dir); err == nil {
		mod = st.ModTime()
	}
	now := time.Now()
	if f.listing.holds(mod, now) {
		return nil
	}
	listing := f.listing.next(mod, now)
	all, err := list(f.s.dir, f.s.fs.ReadDir, nil, nil)
	if err != nil {
		// Also when the folder is gone: it may have been moved away, or be on a disk that
		// is. What it had is lost once there is a folder without it.
		return folderError(f.s.dir, err)
	}
	if err := f.hold(); err != nil {
		return err
	}
	f.listing = listing
	alive := make(map[string]bool) // processes
	merged := f.merges(all, alive)
	f.takeLost(all)
	there := make(map[string]bool, len(f.order))
	for i := range all {
		l := &all[i]
		if l.writer() != f.s.opts.Name {
			continue
		}
		rnd, _ := l.incarnation()
		alive[rnd] = true
		if f.isDone(l.baseName) || !l.open && merged.has(l.baseName) {
			continue
		}
		there[l.text] = true
		x := f.bases[l.text]
		if x == nil {
			x = f.back(l, merged.place(l.baseName))
		}
		x.open, x.closed = l.open, l.closed
	}
	kept := f.order[:0]
	for _, x := range f.order {
		if there[x.text] {
			kept = append(kept, x)
			continue
		}
		delete(f.bases, x.text)
		// Of what was read and is on its way the cursor must go on to speak: should it
		// not arrive, nobody else would know of it.
		if (x.lines > x.read.lines || x.read != x.settled) && !f.isDone(x.baseName) && !merged.has(x.baseName) {
			f.lost = append(f.lost, x)
			slices.SortFunc(f.lost, func(a, b *followed) int { return cmp.Compare(a.text, b.text) })
		}
		f.dirty = true
	}
	clear(f.order[len(kept):])
	f.order = kept
	f.sort()
	for rnd := range f.done {
		if !alive[rnd] {
			// A process of which there is no file any more. Should it live and write
			// another one, that one is not done.
			delete(f.done, rnd)
			f.dirty = true
		}
	}
	return nil
}

// back follows a base that is new, or that was taken for lost: that one is gone on with,
// and unless its gap is on its way already, there will be none. A new one begins at a
// place.
func (f *feed) back(l *listed, at position) *followed {
	i := slices.IndexFunc(f.lost, func(x *followed) bool { return x.text == l.text })
	if i < 0 {
		return f.follow(*l, at)
	}
	x := f.lost[i]
	if x.told {
		return f.follow(*l, x.settled)
	}
	f.lost = slices.Delete(f.lost, i, i+1)
	f.bases[x.text] = x
	f.order = append(f.order, x)
	return x
}

// hold makes sure that the lock is where others look for it. The side folder may have
// been removed, with the whole folder perhaps, which the journal's next write makes again.
// Another process may have shipped since: what it has written down counts, too. One that
// still ships has the lock, and the error wraps sink.ErrHeld.
func (f *feed) hold() error {
	if f.looking || f.lock.Named(f.lockPath()) {
		return nil
	}
	lock, err := f.s.hold(f.folder)
	if err != nil {
		return err
	}
	_ = f.lock.Close()
	f.lock, f.dirty = lock, true
	f.s.opts.OnError(fmt.Errorf("journalsink: %s was removed; the shipping to %s goes on where it was", filepath.Dir(f.lockPath()), f.name))
	c, err := readCursor(f.s.fs, shipPath(f.s.dir, f.folder, f.s.opts.Name+extCursor))
	if err == nil && c.Sink == f.name && c.Writer == f.s.opts.Name {
		f.adopt(c)
	}
	return nil // without a cursor nobody has shipped meanwhile
}

// adopt takes over what a cursor says that another process has written: of two places the
// further one. What it calls done was not lost, although it may be gone.
func (f *feed) adopt(c *shipCursor) {
	for rnd, seq := range c.Done {
		f.done[rnd] = max(f.done[rnd], seq)
	}
	f.enterMerged(c)
	for base, at := range c.At {
		b, _, _ := splitName(base + extOpen)
		p := position{at.Offset, at.Settled}
		x := f.bases[base]
		switch {
		case f.isDone(b):
		case x == nil:
			f.resume(b, at)
		case x.settled.offset < p.offset:
			x.read, x.settled, x.unproven = p, p, true
			x.ended, x.finished = false, false
			f.chunk.drop(x)
		}
	}
	f.lost = slices.DeleteFunc(f.lost, func(x *followed) bool { return !x.told && f.isDone(x.baseName) })
	if c.Again > f.again.settled {
		f.again.read, f.again.settled, f.again.lines = c.Again, c.Again, -1
	}
	if c.Lost != nil && c.Lost.Entries > f.note.Entries {
		f.note = *c.Lost
	}
}

func (f *feed) lockPath() string { return shipPath(f.s.dir, f.folder, f.s.opts.Name+extLock) }

// sort puts the files of each process into the order of its numbers, and the processes
// among each other into that of the stamps: a clock that was set back makes a later
// file's stamp the earlier one.
func (f *feed) sort() {
	type key struct {
		rnd   string
		seq   int64
		stamp string
	}
	keys := make(map[*followed]*key, len(f.order))
	for _, x := range f.order {
		rnd, seq := x.incarnation()
		keys[x] = &key{rnd, seq, x.text[x.baseName.sort:][:len(stampLayout)]}
	}
	slices.SortFunc(f.order, func(a, b *followed) int {
		return cmp.Or(cmp.Compare(keys[a].rnd, keys[b].rnd), cmp.Compare(keys[a].seq, keys[b].seq))
	})
	for i, x := range f.order {
		if k := keys[x]; i > 0 {
			if before := keys[f.order[i-1]]; before.rnd == k.rnd {
				k.stamp = max(k.stamp, before.stamp)
			}
		}
	}
	slices.SortStableFunc(f.order, func(a, b *followed) int {
		return cmp.Or(cmp.Compare(keys[a].stamp, keys[b].stamp), cmp.Compare(keys[a].rnd, keys[b].rnd))
	})
}

// count counts the lines of a base that are not counted yet.
func (f *feed) count(ctx context.Context, x *followed) {
	if x.closed {
		p, err := f.s.openPlain(ctx, x.text+extClosed, f.damage)
		if err == nil {
			x.lines, x.counted, x.final, x.uncounted = p.lines, p.size, true, false
			x.from, x.to = p.from, p.to
		}
		f.readable(ctx, x, err)
		return
	}
	path := filepath.Join(f.s.dir, x.text+extOpen)
	st, err := f.s.fs.Lstat(path)
	if err != nil {
		return
	}
	if x.uncounted {
		x.lines, x.counted, x.uncounted = x.read.lines, x.read.offset, false
		if st.Size() < x.counted || x.counted > 0 && !f.endsLine(path, x.counted) {
			x.lines++ // the cursor is wrong, as will be seen
		}
	}
	if st.Size() <= x.counted {
		return
	}
	file, err := f.s.fs.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	n, end := countLines(untilDone{ctx, file}, x.counted, st.Size())
	x.lines += n
	x.counted = end
}

// endsLine reports whether a line of an open file ends before an offset, or that can
// not be looked at now.
func (f *feed) endsLine(path string, at int64) bool {
	file, err := f.s.fs.Open(path)
	if err != nil {
		return true
	}
	defer func() { _ = file.Close() }()
	return endsLine(file, at)
}
