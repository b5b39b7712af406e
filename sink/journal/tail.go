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

func lastNewline(f *os.File, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				return size - n + i + 1, nil
			}
		}
		size -= n
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
		l := &bases[i]
		there[l.text] = true
		at := t.at[l.text]
		if at == nil {
			at = &tailed{}
			t.at[l.text] = at
		}
		if at.done {
			continue
		}
		stopped := false
		end, err := t.r.walk(ctx, l, &query{}, at.offset, func(e *entry.Entry) bool {
			if ctx.Err() != nil {
				stopped = true
				return false
			}
			if !t.dup.again(e.InsertID) {
				stopped = !t.yield(e, nil)
			}
			return !stopped
		})
		if stopped || err != nil {
			return false
		}
		at.offset, at.done = end, l.closed
	}
	for base := range t.at {
		if !there[base] {
			delete(t.at, base)
		}
	}
	return true
}
