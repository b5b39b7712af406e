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
	// FromStart yields first what is in the folder already. Default: only what is
	// written after the call.
	FromStart bool
}

// Tail yields the entries as they are written, by any process, until ctx ends; that
// end is no error. Nothing is missing and nothing comes twice while files are
// rotated and compressed. Entries of one file come in the order of writing.
func (r *Reader) Tail(ctx context.Context, opts TailOptions) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		if opts.Poll < 0 {
			yield(nil, fmt.Errorf("%w: Poll is %v: want 0 for the default, or a duration", ErrOptions, opts.Poll))
			return
		}
		if opts.Poll == 0 {
			opts.Poll = DefaultPoll
		}
		t := tailer{r: r, dup: newSeen(), at: make(map[string]*tailed), yield: yield}
		if err := t.begin(opts.FromStart); err != nil {
			yield(nil, err)
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
}

type tailed struct {
	offset int64 // plain, behind the last whole line
	done   bool  // it was closed and read to its end
}

// begin sets the starting line.
func (t *tailer) begin(fromStart bool) error {
	bases, err := t.r.list()
	if err != nil || fromStart {
		return err
	}
	for i := range bases {
		l := &bases[i]
		if origins := t.r.originsOf(l); origins != nil {
			for _, o := range origins {
				t.at[o.base] = &tailed{done: true}
			}
			continue
		}
		at := &tailed{done: l.closed}
		if !at.done {
			at.offset, err = lineStart(filepath.Join(t.r.dir, l.text+extOpen))
			at.done = err != nil // gone, or closed in this moment: it was there before
		}
		t.at[l.text] = at
	}
	return nil
}

// lineStart returns where the last line begins that has no end yet.
func lineStart(path string) (int64, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return lastNewline(f, st.Size())
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
	for i := range bases {
		l := &bases[i]
		origins := t.r.originsOf(l)
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
		end, gone, ok := t.read(ctx, l, &query{}, at.offset)
		if !ok {
			return false
		}
		if !gone { // else it was removed by the cap, or merged into another: the next listing tells
			at.offset, at.done = end, l.closed
		}
	}
	for base := range t.at {
		if !there[base] {
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

// read yields what a base has behind an offset. ok reports whether to go on.
func (t *tailer) read(ctx context.Context, l *listed, q *query, from int64) (end int64, gone, ok bool) {
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
	gone = errors.Is(err, fs.ErrNotExist)
	return end, gone, !stopped && (err == nil || gone)
}

// merged yields of a merged file the parts that were not read to their end while they
// were files of their own. What is still there as its own file is left to that.
func (t *tailer) merged(ctx context.Context, l *listed, origins []origin, there map[string]bool) bool {
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
	_, gone, ok := t.read(ctx, l, q, 0)
	for _, at := range parts {
		at.done = at.done || !gone
	}
	return ok
}
