package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// DefaultPoll is how often [Reader.Tail] looks for new entries.
const DefaultPoll = 200 * time.Millisecond

// TailOptions of a [Reader.Tail].
type TailOptions struct {
	// Poll is how often the folder is looked at. Default 200 ms.
	Poll time.Duration
	// FromStart yields first what is in the folder already, file by file. Default: only
	// what is written after the call.
	FromStart bool
	// Since, if it is set, yields first what is in the folder already and has a Time not
	// before it, in order of time. What is written after the call follows whatever its
	// time. It takes the place of FromStart. Default none.
	Since time.Time
	// Match is asked, with Since, for what is in the folder already, as that of a Scan is.
	// Of what follows everything is yielded. Default: all is wanted.
	Match func(*Row) bool
}

// Tail yields the entries as they are written, by any process, until ctx ends; that
// end is no error. Nothing is missing and nothing comes twice while files are
// rotated and compressed. Entries of one file come in the order of writing, but for those
// of the past that Since asks for. What is written between the call and the first step belongs to it. It can be iterated once: a
// second time it goes on.
func (r *Reader) Tail(ctx context.Context, opts TailOptions) iter.Seq2[*entry.Entry, error] {
	t := tailer{r: r, dup: newSeen(), at: make(map[string]*tailed), since: opts.Since, match: opts.Match}
	err := t.begin(opts.FromStart && opts.Since.IsZero())
	return func(yield func(*entry.Entry, error) bool) {
		if opts.Poll < 0 {
			yield(nil, fmt.Errorf("%w: Poll is %v: want 0 for the default, or a duration", ErrOptions, opts.Poll))
			return
		}
		if opts.Poll == 0 {
			opts.Poll = DefaultPoll
		}
		if err != nil {
			yield(nil, err)
			return
		}
		t.yield = yield
		if !t.past(ctx) {
			return
		}
		tick := time.NewTicker(opts.Poll)
		defer tick.Stop()
		for {
			if !t.poll(ctx) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

// tailer remembers how far each base was read. A base keeps its plain offsets when
// it is compressed, so no file has to be held open.
type tailer struct {
	r     *Reader
	dup   *seen
	at    map[string]*tailed
	yield func(*entry.Entry, error) bool

	since  time.Time       // what is there since then is to come yet; zero: nothing
	match  func(*Row) bool // of that; nil: all
	sorted []*entry.Entry  // the next of it
}

type tailed struct {
	offset int64 // plain, behind the last whole line
	done   bool  // it was closed and read to its end
	rough  bool  // the line may begin before offset: the file could not be opened yet
}

// begin sets the starting line.
func (t *tailer) begin(fromStart bool) error {
	bases, err := t.r.list()
	if err != nil || fromStart {
		return err
	}
	for i := range bases {
		l := &bases[i]
		if origins, _ := t.r.originsOf(l); origins != nil {
			for _, o := range origins {
				t.at[o.base] = &tailed{done: true}
			}
			continue
		}
		at := &tailed{done: l.closed}
		if !at.done {
			t.place(l, at)
		}
		t.at[l.text] = at
	}
	return nil
}

// place puts a place in an open file, or its end, to the beginning of the line that is
// there. A file that is gone, or was closed in this moment, was there before; of one that
// can not be opened now the size is noted.
func (t *tailer) place(l *listed, at *tailed) {
	name := l.text + extOpen
	f, err := t.r.open(name)
	var st fs.FileInfo
	if err == nil {
		defer func() { _ = f.Close() }()
		if st, err = f.Stat(); err == nil {
			end := st.Size()
			if at.rough {
				end = min(at.offset, end)
			}
			at.offset, err = lastNewline(f, end)
		}
	}
	if err == nil {
		at.rough = false
		return
	}
	t.r.unreadable(name, 0, err)
	if at.rough {
		return
	}
	if st, err = os.Lstat(filepath.Join(t.r.dir, name)); err != nil {
		at.done = true
		return
	}
	at.offset, at.rough = st.Size(), true
}

// lastNewline returns the offset behind the last newline. What has none for longer than a
// line can be is no line: its end is as good.
func lastNewline(f *os.File, end int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size := end; size > 0; {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				return size - n + i + 1, nil
			}
		}
		if size -= n; end-size > int64(maxJournalLine) {
			return end, nil
		}
	}
	return 0, nil
}

// poll reads what is new. It reports whether to go on.
func (t *tailer) poll(ctx context.Context) bool {
	bases, err := t.r.list()
	if errors.Is(err, fs.ErrNotExist) {
		return true // somebody removed the folder; the next write makes it again
	}
	if err != nil {
		t.yield(nil, err)
		return false
	}
	there := make(map[string]bool, len(bases))
	for i := range bases {
		there[bases[i].text] = true
	}
	unread := false // a merged file of which the parts are not known now
	for i := range bases {
		l := &bases[i]
		origins, later := t.r.originsOf(l)
		if later {
			unread = true
			continue
		}
		if origins != nil {
			if !t.merged(ctx, l, origins, there) {
				return false
			}
			continue
		}
		at := t.of(l.text)
		if at.done {
			continue
		}
		if at.rough && !l.closed {
			if t.place(l, at); at.rough {
				continue
			}
		}
		end, read, ok := t.read(ctx, l, &query{}, at.offset)
		if !ok {
			return false
		}
		if read { // else it was removed by the cap, or merged into another, as the next listing tells, or is tried again
			at.offset, at.done = end, l.closed
		}
	}
	for base := range t.at {
		if !there[base] && !unread { // it may be one of the parts
			delete(t.at, base)
		}
	}
	return true
}

// of returns what is remembered of a base.
func (t *tailer) of(base string) *tailed {
	at := t.at[base]
	if at == nil {
		at = &tailed{}
		t.at[base] = at
	}
	return at
}

// read yields what a base has behind an offset. It was not read if it is gone, or can not
// be opened now. ok reports whether to go on.
func (t *tailer) read(ctx context.Context, l *listed, q *query, from int64) (end int64, read, ok bool) {
	stopped := false
	end, closed, err := t.r.walkVolume(ctx, t.r.shelf.volume(l), q, from, func(e *entry.Entry) bool {
		if ctx.Err() != nil {
			stopped = true
			return false
		}
		if !t.dup.again(e.InsertID) {
			stopped = !t.yield(e, nil)
		}
		return !stopped
	})
	l.closed = l.closed || closed
	unread := errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnread)
	return end, !unread, !stopped && (err == nil || unread)
}

// merged yields of a merged file the parts that were not read to their end while they
// were files of their own. What is still there as its own file is left to that.
func (t *tailer) merged(ctx context.Context, l *listed, origins []origin, there map[string]bool) bool {
	if at := t.at[l.text]; at != nil && at.done { // it was here before its parts were known
		for _, o := range origins {
			t.of(o.base).done = true
		}
	}
	q := &query{}
	var parts []*tailed
	for _, o := range origins {
		at := t.of(o.base)
		if !at.done && !there[o.base] {
			p, _ := spanOf(origins, o.base)
			p.from += min(at.offset, o.size)
			q.parts, parts = append(q.parts, p), append(parts, at)
		}
	}
	for _, o := range origins {
		there[o.base] = true // remembered as long as it is part of a file
	}
	if len(parts) == 0 {
		return true
	}
	_, read, ok := t.read(ctx, l, q, 0)
	for _, at := range parts {
		at.done = at.done || read
	}
	return ok
}
