package journalsink

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// feed reads the files of one writer's name for one sink. One goroutine uses it.
type feed struct {
	s       *Spool
	name    string // of the sink
	folder  string // in .ship
	lock    file
	looking bool // nothing is written: somebody else ships
	changed chan struct{}
	told    damages

	done   map[string]int64     // as shipCursor.Done
	merged map[string]int64     // as shipCursor.Merged
	parts  map[string]*parts    // of merged files that were not shipped whole, by text
	bases  map[string]*followed // not shipped whole, by text
	order  []*followed
	lost   []*followed // gone before they were shipped; their gap is not settled
	again  againFile
	note   lostNote // of what was lost and told
	aside  int64    // how often a base was put aside

	listing folderTime // of the folder

	chunk chunk
	last  []step // of the last Next, one per entry
	tail  []step // what stood behind the last entry

	dirty   bool      // the cursor on the disk is behind
	grown   bool      // it is behind, but only with how many lines wait
	written time.Time // when it was written
	cost    time.Duration
	clock   time.Time // opts.Now at the last writing, for the pulse
	warned  time.Time

	warnings map[string]time.Time // when each was told, see warn
}

// followed is a base that was not shipped whole.
type followed struct {
	listed
	read    position // behind what Next has returned
	settled position // behind what was committed

	lines    int64 // whole lines in it, as far as counted
	counted  int64 // plain, behind the last of them
	final    bool  // it is closed, and lines is from its index
	from, to int64 // of its entries' times, once final
	ended    bool  // closed, and read to its end
	finished bool  // and that was committed
	told     bool  // lost, and Next has returned its gap

	unproven  bool // its place is from a cursor, and not looked at yet
	uncounted bool // and so is lines
	guessed   bool // offsets are those of a damaged closed file without an index

	unread time.Time // since when it can not be read, once it is closed; zero: it can
	aside  bool      // for so long that no Flush waits for it
}

// position is a place between two lines.
type position struct {
	offset int64 // plain
	lines  int64 // before it
}

// step is how far a base, or the letters to send again, were read with an entry.
type step struct {
	base  *followed
	to    position
	ended bool
	gone  *followed // a gap entry's
	again int64     // a dead letter's: the offset behind it
}

// Changed implements sink.Feed.
func (f *feed) Changed() <-chan struct{} { return f.changed }

// Look implements sink.Feed.
func (f *feed) Look(ctx context.Context) (sink.Backlog, error) {
	var b sink.Backlog
	if err := ctx.Err(); err != nil {
		return b, err
	}
	if err := f.list(); err != nil {
		return b, err
	}
	for _, x := range f.order {
		if err := ctx.Err(); err != nil {
			return b, err
		}
		switch {
		case !x.final:
			known := x.lines
			f.count(ctx, x)
			f.grown = f.grown || x.lines != known
		case !x.unread.IsZero():
			f.retry(ctx, x)
		}
		if x.final && x.read == x.settled {
			switch {
			case x.unproven && x.read.offset > x.counted:
				f.astray(x, x.counted)
				f.count(ctx, x)
			case x.read.offset >= x.counted:
				x.ended, x.finished = true, true
				continue
			case x.lines <= x.read.lines:
				x.lines = x.read.lines + 1 // what it is will be seen
			}
		}
		if !x.final && x.read == x.settled && x.lines == x.read.lines && x.counted > x.read.offset {
			f.passEmpty(x)
		}
		n := max(0, x.lines-x.read.lines)
		if !x.unread.IsZero() {
			n = max(n, 1)
			b.Unread += n
		} else {
			b.Bytes += max(0, x.counted-x.read.offset)
		}
		b.Entries += n
	}
	b.Aside = f.aside
	if err := ctx.Err(); err != nil {
		return b, err // some may be counted in part
	}
	for _, x := range f.lost {
		if !x.told {
			b.Entries += max(0, x.lines-x.read.lines)
		}
	}
	f.finish()
	n, bytes := f.again.look(ctx, f)
	b.Entries += n
	b.Bytes += bytes
	if err := f.writeIfDue(); err != nil {
		f.warn(err)
	}
	return b, nil
}

// passEmpty settles what stands behind the last line of an open file: empty lines, such as
// the end of a fence. Nobody reads on for them, and a Flush waits for the place behind.
func (f *feed) passEmpty(x *followed) {
	to := position{offset: x.counted, lines: x.lines}
	for _, steps := range [...][]step{f.last, f.tail} {
		for i := range steps {
			if s := &steps[i]; s.base == x && s.to == x.read {
				s.to = to // a Commit that comes yet must not go back
			}
		}
	}
	x.read, x.settled = to, to
	f.dirty = true
}

// damage is told of what could not be read.
func (f *feed) damage(d Damage) { f.told.add(d) }

// Next implements sink.Feed.
func (f *feed) Next(ctx context.Context, b *sink.SpoolBatch) error {
	f.last, f.tail = f.last[:0], f.tail[:0]
	f.rewind()
	bytes := 0
	full := func() bool { return len(b.Entries) >= b.MaxEntries || bytes >= b.MaxBytes }
	for _, x := range f.lost {
		if full() {
			return nil
		}
		gap := f.gap(x)
		b.Entries = append(b.Entries, gap)
		b.Gaps++
		b.Lost += gap.Gap.Count
		x.told = true
		f.last = append(f.last, step{gone: x})
	}
	damaged, err := f.again.next(ctx, f, full, func(e *entry.Entry, at int64) {
		b.Entries = append(b.Entries, e)
		bytes += len(e.Line())
		f.last = append(f.last, step{again: at})
	})
	if err != nil {
		return err
	}
	b.Damaged += damaged
	for _, x := range f.order {
		if x.ended {
			continue
		}
		for !full() {
			if err := ctx.Err(); err != nil {
				return err
			}
			at := x.read.offset
			e, damaged, more := f.line(ctx, x, b.Heads)
			if damaged > 0 && b.Damaged == 0 {
				b.DamagedAt = x.text + ":" + strconv.FormatInt(at, 10)
			}
			b.Damaged += damaged
			if e != nil {
				b.Entries = append(b.Entries, e)
				bytes += len(e.Line())
				f.last = append(f.last, step{base: x, to: x.read})
			}
			if !more {
				break
			}
		}
		// Behind its last entry there may have been damaged lines, or its end.
		f.tail = append(f.tail, step{base: x, to: x.read, ended: x.ended})
		if full() {
			break
		}
	}
	return nil
}

// rewind goes back to what was committed: what Next has returned and nobody has
// settled is returned again.
func (f *feed) rewind() {
	for _, x := range f.order {
		if x.read != x.settled || x.ended && !x.finished {
			x.read, x.ended = x.settled, false
			f.chunk.drop(x)
		}
	}
	for _, x := range f.lost {
		x.told, x.read = false, x.settled
	}
	f.lost = slices.DeleteFunc(f.lost, func(x *followed) bool { return x.lines <= x.read.lines })
	f.again.rewind()
}

// line reads the next line of a base. more is false when there is none by now.
func (f *feed) line(ctx context.Context, x *followed, head bool) (e *entry.Entry, damaged int64, more bool) {
	text, skipped, ok := f.chunk.line(ctx, f, x)
	if skipped > 0 {
		x.read.lines += skipped
		return nil, skipped, true
	}
	if !ok {
		return nil, 0, false
	}
	at := x.read.offset
	x.read.offset += int64(len(text)) + 1
	if len(text) == 0 {
		return nil, 0, true
	}
	x.read.lines++
	if blank(text) {
		return nil, 1, true // counted as damaged when the file was closed
	}
	line, err := stripLine(text)
	if err != nil {
		if f.chunk.jump == 0 { // else the block was told of
			f.damage(Damage{File: x.file(), Offset: at, Lines: 1, Err: fmt.Errorf("%w: %w", ErrLine, err)})
		}
		return nil, 1, true
	}
	if head {
		e, err = entry.Head(line)
	} else {
		e, err = entry.Parse(line)
	}
	text[len(line)-1] = ',' // it may be read again
	if err != nil {
		f.damage(Damage{File: x.file(), Offset: at, Lines: 1, Err: fmt.Errorf("%w: %w", ErrVersion, err)})
		return nil, 1, true
	}
	return e, 0, true
}

// gap makes the gap entry for a base that was lost. Its insertId says which and to
// whom, so that it stands only once in the sink.
func (f *feed) gap(x *followed) *entry.Entry {
	count := x.lines - x.read.lines
	noun := "entries"
	if count == 1 {
		noun = "entry"
	}
	e := &entry.Entry{
		Time: f.s.opts.Now(), Kind: entry.KindGap, Severity: entry.SeverityWarning,
		InsertID: "gap-" + x.text + f.folder[len(f.folder)-9:],
		Message:  fmt.Sprintf("%d %s lost: %s", count, noun, sink.DropRetention),
		Gap:      &entry.Gap{Count: count, Bytes: max(0, x.counted-x.read.offset), Reason: sink.DropRetention},
	}
	if x.from <= x.to {
		e.Time = time.Unix(0, x.from).UTC()
		e.Gap.From, e.Gap.To = e.Time, time.Unix(0, x.to).UTC()
	}
	return e
}

// Commit implements sink.Feed.
func (f *feed) Commit(_ context.Context, n int) error {
	steps := f.last[:min(n, len(f.last))]
	for i := range steps {
		f.settle(&steps[i])
	}
	if n >= len(f.last) {
		for i := range f.tail {
			f.settle(&f.tail[i])
		}
		f.tail = f.tail[:0]
		f.finish()
	}
	return f.writeIfDue()
}

func (f *feed) settle(s *step) {
	f.dirty = true
	switch {
	case s.base != nil:
		s.base.settled = s.to
		s.base.finished = s.base.finished || s.ended
		if s.to.lines >= s.base.lines {
			f.lost = slices.DeleteFunc(f.lost, func(x *followed) bool { return x == s.base })
		}
	case s.gone != nil:
		f.lost = slices.DeleteFunc(f.lost, func(x *followed) bool {
			if x == s.gone {
				f.note.Entries += max(0, x.lines-x.read.lines)
				f.note.Last = f.s.opts.Now().UTC()
			}
			return x == s.gone
		})
	default:
		f.again.settle(s.again, f)
	}
}

// finish enters as done what was shipped whole, in the order of each process.
func (f *feed) finish() {
	waits := make(map[string]int64) // a process's first file that is not finished
	for _, x := range f.order {
		if x.finished {
			continue
		}
		for _, r := range f.runs(x.baseName) {
			if first, ok := waits[r.rnd]; !ok || r.first < first {
				waits[r.rnd] = r.first
			}
		}
	}
	kept := f.order[:0]
	for _, x := range f.order {
		if !x.finished || !f.enter(x, waits) {
			kept = append(kept, x)
			continue
		}
		delete(f.bases, x.text)
		f.chunk.drop(x)
	}
	clear(f.order[len(kept):])
	f.order = kept
}

// enter enters a base as done, unless one of the same process must be before it.
func (f *feed) enter(x *followed, waits map[string]int64) bool {
	runs := f.runs(x.baseName)
	for _, r := range runs {
		if first, ok := waits[r.rnd]; ok && first <= r.last {
			return false
		}
	}
	if x.merged() {
		if p := f.parts[x.text]; p != nil {
			f.merged[x.text] = p.size
			delete(f.parts, x.text)
		} else if st, err := f.s.fs.Lstat(filepath.Join(f.s.dir, x.text+extClosed)); err == nil {
			f.merged[x.text] = st.Size()
		}
	}
	for _, r := range runs {
		f.done[r.rnd] = max(f.done[r.rnd], r.last)
	}
	f.dirty = true
	return true
}

// Close implements sink.Feed.
func (f *feed) Close() error {
	var err error
	if f.dirty || f.grown {
		// Who ships now, and has begun without it, is not told of it any more.
		if err = f.write(); errors.Is(err, sink.ErrHeld) {
			err = nil
		}
	}
	if f.changed != nil {
		f.s.j.watch.remove(f.changed)
	}
	return errors.Join(err, f.lock.Close())
}
