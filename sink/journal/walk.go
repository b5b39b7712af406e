package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// errStop ends a walk whose caller has enough.
var errStop = errors.New("journalsink: stop")

// errUnread says that a file could not be opened now, and nothing of it was read. It was
// told as damage; who follows the file tries again.
var errUnread = errors.New("journalsink: not read")

// emit is given each wanted entry, and says whether to go on.
type emit func(*entry.Entry) bool

// walkVolume reads the wanted entries of one base from the plain offset from, and
// returns the plain offset behind the last whole line; closed says that it was read as
// a closed file. The error is ctx's, errStop, errUnread, or that neither file is there any
// more; everything else is damage, and is no error.
//
// Since the listing the file may have been compressed, merged, or removed by the cap.
func (r *Reader) walkVolume(ctx context.Context, v *volume, q *query, from int64, each emit) (end int64, closed bool, err error) {
	if !v.closed {
		end, err = r.walkOpen(ctx, v, q, from, each)
		if !errors.Is(err, fs.ErrNotExist) {
			return end, false, err
		}
		v = newVolume(&listed{baseName: v.baseName, closed: true})
	}
	end, other, err := r.walkClosed(ctx, v, q, from, each)
	if err == nil && other {
		end, err = r.walkOpen(ctx, v, q, from, each)
	}
	return end, true, err
}

// walkOpen reads a .jsonl.
func (r *Reader) walkOpen(ctx context.Context, v *volume, q *query, from int64, each emit) (int64, error) {
	name := v.text + extOpen
	f, err := r.open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return from, err
		}
		r.unreadable(name, 0, err)
		return from, errUnread
	}
	defer func() { _ = f.Close() }()
	// What is asked for again and again is remembered: look-ups and what goes by
	// columns. Only a follower has another beginning, and wants all lines.
	if v.open != nil && from == 0 && (q.ids != nil || q.byColumns()) {
		view, ok, err := v.open.view(ctx, r, f, name)
		if err != nil {
			return from, err
		}
		if ok {
			return view.end, r.walkView(ctx, f, name, &view, q, each)
		}
	}
	return r.walkLines(ctx, f, name, q, from, each)
}

// walkLines reads what a .jsonl holds now. What is written meanwhile is left for
// the next time, or a busy writer would never let a reader end.
func (r *Reader) walkLines(ctx context.Context, f *os.File, name string, q *query, from int64, each emit) (int64, error) {
	st, err := f.Stat()
	if err != nil {
		r.unreadable(name, 0, err)
		return from, nil
	}
	size := st.Size()
	lines := newFileLines(untilDone{ctx, f}, from, size)
	end := from
	for n := 0; ; n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return end, err
			}
		}
		raw, err := lines.next()
		if err != nil || raw.open {
			if err := ctx.Err(); err != nil {
				return end, err // that may be why there is no more
			}
		}
		if err != nil {
			if !isEOF(err) {
				r.unreadable(name, lines.at, err)
			}
			return end, nil
		}
		if raw.open {
			return r.lastLine(f, name, raw, q, each)
		}
		end = raw.at + raw.size + 1
		if err := r.line(name, raw.at, raw, q, each); err != nil {
			return end, err
		}
	}
}

// lastLine looks at a last line without an end. A writer may be in the middle of a
// write(2), so it is given a moment.
func (r *Reader) lastLine(f *os.File, name string, raw rawLine, q *query, each emit) (int64, error) {
	if raw.text != nil {
		raw.text = append([]byte(nil), raw.text...)
	}
	if st, err := f.Stat(); err == nil && time.Since(st.ModTime()) < time.Second {
		time.Sleep(100 * time.Microsecond) // a write(2) of 1 MiB takes about that
	}
	again := newLineReader(io.NewSectionReader(f, raw.at, int64(maxJournalLine)+1), raw.at, raw.size+1)
	if now, err := again.next(); err == nil && !now.open {
		return now.at + now.size + 1, r.line(name, now.at, now, q, each)
	}
	// Cut off exactly at its end, it is whole all the same; but a follower waits
	// for the newline, so the offset stays before it.
	if _, err := stripLine(raw.text); err == nil {
		raw.text[len(raw.text)-crcLen] = ','
		return raw.at, r.line(name, raw.at, raw, q, each)
	}
	if raw.text == nil || !blank(raw.text) {
		r.damage.add(Damage{File: name, Offset: raw.at, Lines: 1, Err: ErrUnfinished})
	}
	return raw.at, nil
}

// line checks one line and emits its entry if it is wanted. at is where to say that
// damage is.
func (r *Reader) line(file string, at int64, raw rawLine, q *query, each emit) error {
	if q.upTo != nil {
		if end, ok := q.upTo[file]; ok && raw.at >= end {
			return nil
		}
	}
	line, ok := r.check(file, at, raw)
	if !ok {
		return nil
	}
	h := readHead(line)
	if h.known && !q.wants(h) {
		return nil
	}
	if q.byColumns() {
		if skip, err := q.byLine(line, h); skip || err != nil {
			return err
		}
	}
	e, err := entry.Parse(line)
	if err != nil {
		// Its checksum is right: it was written like this.
		r.damage.add(Damage{File: file, Offset: at, Lines: 1, Err: fmt.Errorf("%w: %w", ErrVersion, err)})
		return nil
	}
	if !h.known && !q.wants(headOf(e)) {
		return nil
	}
	if !each(e) {
		return errStop
	}
	return nil
}

// byLine answers a query by columns where there are none. skip is false for a line
// that is to be parsed: it is wanted, or it does not parse, which is to be said.
func (q *query) byLine(line []byte, h head) (skip bool, err error) {
	var f rowFields
	lineFields(line, &f, func(column int, b []byte) { f.text[column] = string(b) })
	if f.bits&rowUnknown != 0 {
		return false, nil
	}
	if !h.known && !q.wants(head{time: f.time, timed: f.bits&rowTimed != 0}) {
		return true, nil
	}
	row := Row{f: &f}
	if q.match != nil && !q.match(&row) {
		return true, nil
	}
	if q.rows == nil {
		return false, nil
	}
	if !q.rows(&row) {
		return true, errStop
	}
	return true, nil
}

// check returns the canonical line of a line that is good, and tells of one that is
// not.
func (r *Reader) check(file string, at int64, raw rawLine) ([]byte, bool) {
	line, err := checkLine(raw)
	if err != nil {
		r.damage.add(Damage{File: file, Offset: at, Lines: 1, Err: err})
	}
	return line, line != nil
}

// checkLine returns the canonical line of a line that is good, else nil, and what is wrong
// with it: nothing if it is empty.
func checkLine(raw rawLine) ([]byte, error) {
	if raw.text == nil {
		return nil, fmt.Errorf("%w: %w", ErrLine, errTooLong)
	}
	if blank(raw.text) {
		if len(raw.text) > 0 {
			return nil, ErrRecorded
		}
		return nil, nil
	}
	line, err := stripLine(raw.text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLine, err)
	}
	return line, nil
}

// headOf is the head of a line that had to be parsed.
func headOf(e *entry.Entry) head {
	return head{txid: []byte(e.TxID), time: nanos(e.Time), timed: !e.Time.IsZero(), known: true}
}
