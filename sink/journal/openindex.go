package journalsink

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/txtrail/txtrail/entry"
)

// openIndex is what a Reader remembers of a file that is being written: where its
// lines are, their txids and their columns. Each call reads on from where the last
// one ended, so that a look-up does not read 16 MiB again.
type openIndex struct {
	mu    sync.Mutex
	end   int64 // behind the last whole line that was read
	lines []openLine
	ids   []byte // the txids, one after another
	cols  columnBuilder
	min   int64
	max   int64
	size  int64 // of the file
	gone  bool  // too large to be kept, or the file was closed
}

// openLine is a good line; the row of the same number is its.
type openLine struct {
	at      int64
	size    int32 // without the newline
	id      uint32
	idLen   uint8
	unknown bool // its txid could not be read: any look-up has to look at it
}

// openLineBytes is about what a line takes in memory: itself, half a txid, and its
// columns with some of their texts.
const openLineBytes = 24 + 20 + numberColumns*8 + textColumns*4 + 40

func (x *openIndex) drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget()
}

func (x *openIndex) forget() {
	x.lines, x.ids, x.cols, x.gone = nil, nil, columnBuilder{}, true
}

// openView is an openIndex at one moment. More may be added meanwhile.
type openView struct {
	lines    []openLine
	ids      []byte
	cols     *columnSet
	end      int64
	min, max int64
	size     int64
	last     rawLine // a last line without its end; open is false if there is none
}

// view reads what is new in the file. ok is false where nothing is remembered: the
// file has to be read as it is. What is damaged is told when no lock is held any more: who
// is told may read this very file.
func (x *openIndex) view(ctx context.Context, r *Reader, f *os.File, name string) (v openView, ok bool, err error) {
	var met []Damage
	var unread error
	var at int64
	x.mu.Lock()
	defer func() {
		x.mu.Unlock()
		for _, d := range met {
			r.damage.add(d)
		}
		if unread != nil {
			r.unreadable(name, at, unread)
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return v, false, nil
	}
	size := st.Size()
	if size < x.end { // not a journal's doing
		x.forget()
	}
	if x.gone || r.openLimit < int64(len(x.lines))*openLineBytes+size-x.end {
		// A byte to read may cost no more than it is long: that bounds both.
		x.forget()
		return v, false, nil
	}
	if x.lines == nil {
		x.min, x.max = noMin, noMax
	}
	x.size = size
	lines := newFileLines(untilDone{ctx, f}, x.end, size)
	for {
		raw, err := lines.next()
		if cerr := ctx.Err(); cerr != nil {
			return v, false, cerr
		}
		if err != nil {
			if !isEOF(err) {
				at, unread = lines.at, err
			}
			break
		}
		if raw.open {
			v.last = raw
			break
		}
		if err := x.add(raw); err != nil && len(met) < maxDamagePerFile {
			met = append(met, Damage{File: name, Offset: raw.at, Lines: 1, Err: err})
		}
		x.end = raw.at + raw.size + 1
	}
	v.lines, v.ids, v.cols, v.end, v.min, v.max, v.size = x.lines, x.ids, x.cols.set(), x.end, x.min, x.max, x.size
	return v, true, nil
}

// add takes a whole line, or says why it is none.
func (x *openIndex) add(raw rawLine) error {
	line, err := checkLine(raw)
	if line == nil {
		return err
	}
	l := openLine{at: raw.at, size: int32(raw.size)}
	h := readHead(line)
	if !h.known {
		if e, err := entry.Parse(line); err == nil {
			h = headOf(e)
		} else {
			l.unknown = true
		}
	}
	if h.timed {
		x.min, x.max = min(x.min, h.time), max(x.max, h.time)
	}
	if n := len(h.txid); n > 255 {
		l.unknown = true
	} else if n > 0 {
		l.idLen = uint8(n)
		if k := len(x.lines); k > 0 && int(x.lines[k-1].idLen) == n && string(x.id(&x.lines[k-1])) == string(h.txid) {
			l.id = x.lines[k-1].id
		} else {
			l.id = uint32(len(x.ids))
			x.ids = append(x.ids, h.txid...)
		}
	}
	x.lines = append(x.lines, l)
	x.cols.add(line)
	return nil
}

func (x *openIndex) id(l *openLine) []byte { return x.ids[l.id:][:l.idLen] }

// wanted returns the numbers of the lines that a query may want.
func (v *openView) wanted(q *query) []int {
	var out []int
	row := Row{c: v.cols}
	times, flags := v.cols.numbers(colTime), v.cols.numbers(colBits)
	for i := range v.lines {
		l := &v.lines[i]
		row.i = i
		switch {
		case l.unknown || flags[i]&rowUnknown != 0:
		case q.ids != nil && !q.ids.match(v.ids[l.id:][:l.idLen]):
			continue
		case q.bounded && (flags[i]&rowTimed == 0 || times[i] < q.since || times[i] >= q.until):
			continue
		case q.match != nil && !q.match(&row):
			continue
		}
		out = append(out, i)
	}
	return out
}

// walkView answers a query from what is remembered of an open file.
func (r *Reader) walkView(ctx context.Context, f *os.File, name string, v *openView, q *query, each emit) error {
	if q.rows != nil {
		if err := q.visit(ctx, v.cols, 0, v.cols.rows); err != nil {
			return err
		}
	} else {
		var buf []byte
		for n, i := range v.wanted(q) {
			if n%64 == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			l := &v.lines[i]
			if cap(buf) < int(l.size) {
				buf = make([]byte, l.size+l.size/4)
			}
			buf = buf[:l.size]
			if k, err := f.ReadAt(buf, l.at); k < len(buf) {
				r.unreadable(name, l.at, fmt.Errorf("%d of %d bytes: %w", k, len(buf), err))
				continue
			}
			if err := r.line(name, l.at, rawLine{at: l.at, size: int64(l.size), text: buf}, q, each); err != nil {
				return err
			}
		}
	}
	if !v.last.open {
		return nil
	}
	_, err := r.lastLine(f, name, v.last, q, each)
	return err
}
