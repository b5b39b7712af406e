package journalsink

import (
	"unicode/utf8"
	"unsafe"

	"github.com/txtrail/txtrail/entry"
)

// notedRows are the rows of a file, noted while their entries are at hand: to take them
// out of the lines when the file is closed costs ten times as much. The rows of a file
// that a dead writer left, and of one that was damaged, come from its lines.
type notedRows struct {
	n     int
	parts []*[notedPart]notedRow   // all but the last are full: nothing is copied as they grow
	texts [textColumns]textBuilder // without rows' codes
}

// notedPart rows take 14 KB, what the allocator calls small.
const notedPart = 128

// notedRow is one row in one piece, so that to note it touches one place in memory.
type notedRow struct {
	numbers [numberColumns]int64
	texts   [textColumns]uint32
}

const (
	// maxNoted bounds the rows that a file may have while it is written. With it they
	// take some ten megabytes at most, for the shortest lines in the largest files.
	maxNoted = 1 << 16
	// maxPendingNoted bounds the files that keep them until they are compressed.
	maxPendingNoted = 4
)

// full reports whether n more rows are too many.
func (r *notedRows) full(n int) bool { return r.n+n > maxNoted }

// add notes the row of an entry that has its line: what [columnBuilder.add] makes of
// that.
func (r *notedRows) add(e *entry.Entry) {
	if r.n == len(r.parts)*notedPart {
		r.parts = append(r.parts, new([notedPart]notedRow))
	}
	row := r.at(r.n)
	r.n++
	var f rowFields
	if e.Encoded() {
		f = fieldsOf(e)
	}
	if !e.Encoded() || !r.exact(&f) {
		lineFields(e.Line(), &f, func(column int, b []byte) { row.texts[column] = r.texts[column].code(b) })
		row.numbers = f.numbers()
		return
	}
	row.numbers = f.numbers()
	for i, s := range f.text {
		// What is kept of it is a copy: entries are used again.
		row.texts[i] = r.texts[i].code(unsafe.Slice(unsafe.StringData(s), len(s)))
	}
}

func (r *notedRows) at(i int) *notedRow { return &r.parts[i/notedPart][i%notedPart] }

// exact reports whether a line has these very values: one that was encoded has another
// text where this one is no UTF-8, and the nearest severity and time that it can say.
func (r *notedRows) exact(f *rowFields) bool {
	if f.severity != 0 && (f.severity < int(entry.SeverityDebug) || f.severity > int(entry.SeverityEmergency) || f.severity%100 != 0) {
		return false
	}
	const earliest, latest = -1 << 62, 1 << 62 // 1823 and 2116, in nanoseconds
	if f.time < earliest || f.time > latest {
		return false
	}
	for i, s := range f.text {
		if !r.texts[i].again(s) && !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

// has reports whether the i-th row may be that of a line with this head: it has its time.
func (r *notedRows) has(i int, h head) bool {
	if i >= r.n {
		return false
	}
	n := &r.at(i).numbers
	timed := n[colBits]&rowTimed != 0
	return !h.known || timed == h.timed && (!timed || n[colTime] == h.time)
}

// columns returns the rows as columns.
func (r *notedRows) columns() (c columnBuilder) {
	n := r.n
	c.rows, c.texts = n, r.texts
	for i := range c.numbers {
		c.numbers[i] = make([]int64, n)
	}
	for i := range c.texts {
		c.texts[i].codes = make([]uint32, n)
	}
	for k := range n {
		row := r.at(k)
		for i, v := range row.numbers {
			c.numbers[i][k] = v
		}
		for i, v := range row.texts {
			c.texts[i].codes[k] = v
		}
	}
	return c
}
