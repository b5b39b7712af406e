package journalsink

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// columnSet are the columns of a file, each decoded when it is first asked for. It
// is used by one goroutine. Its strings share memory with the column they are of.
type columnSet struct {
	rows int
	raw  [firstNumber + numberColumns]rawColumn // by their numbers in the file
	dec  *zstd.Decoder
	err  error // the first column that did not decode; its values are zero

	haveNum  [numberColumns]bool
	nums     [numberColumns][]int64
	haveText [textColumns]bool
	texts    [textColumns]textColumn
	plain    []byte
	frame    []byte
}

// reset makes a set ready for another file. Its memory is used again, but not that of
// its strings, which may have been kept.
func (c *columnSet) reset() {
	c.rows, c.err = 0, nil
	c.raw = [firstNumber + numberColumns]rawColumn{}
	c.haveNum, c.haveText = [numberColumns]bool{}, [textColumns]bool{}
	for i := range c.texts {
		c.texts[i] = textColumn{codes: c.texts[i].codes[:0]}
	}
}

type rawColumn struct {
	packed []byte
	plain  int
}

type textColumn struct {
	strs  []string
	codes []uint32 // none: all have the first text
}

// read reads the columns of a closed file with a number of good lines, of which the blocks
// take p.at bytes. Not ok without an error: there are none. The error wraps ErrIndex.
func (c *columnSet) read(f io.ReaderAt, p columnsPlace, lines int64) (ok bool, err error) {
	if p.size == 0 {
		return false, nil
	}
	if int64(cap(c.frame)) < p.size {
		c.frame = make([]byte, p.size+p.size/4)
	}
	c.frame = c.frame[:p.size]
	if err := readFull(f, c.frame, p.at); err != nil {
		return false, fmt.Errorf("%w: columns: %w", ErrIndex, err)
	}
	if crc32.Checksum(c.frame, castagnoli) != p.sum {
		return false, fmt.Errorf("%w: columns: checksum does not match", ErrIndex)
	}
	return c.parse(c.frame, lines, p.at+p.size)
}

// Columns that decompress to more than this, in memory, are not read, but the lines are:
// so many bytes for each byte of the file's blocks and columns, beside so many for every
// file. Ours take one or two for each.
const (
	columnsPerByte = 32
	columnsFree    = 4 << 20
)

// room is about what a column takes in memory when it is decoded, in bytes, at most; not
// ok if it has not so many rows.
func (c *rawColumn) room(number int, rows int64) (n int64, ok bool) {
	plain := int64(c.plain)
	switch {
	case number >= firstNumber:
		return 8 * rows, plain >= rows // each takes a byte or more
	case plain < rows:
		return plain + 16, true // they all have one text
	}
	// A text's header has 16 bytes; of the texts all but one take two bytes or more here.
	return plain + 4*rows + 16*min(rows, (plain-rows)/2+1), true
}

// parse reads a frame of a file of so many bytes, without the index.
func (c *columnSet) parse(frame []byte, lines, file int64) (ok bool, err error) {
	fail := func(what string) (bool, error) { return false, fmt.Errorf("%w: columns: %s", ErrIndex, what) }
	if len(frame) < frameHeadLen+columnsHeadLen {
		return fail("too short")
	}
	le := binary.LittleEndian
	b := frame[frameHeadLen:]
	if string(b[:8]) != columnsHead {
		return fail("of another version")
	}
	rows, columns := int64(le.Uint32(b[8:])), int64(le.Uint32(b[12:]))
	if rows != lines || rows > maxColumn {
		return fail(fmt.Sprintf("%d rows for %d lines", rows, lines))
	}
	b = b[columnsHeadLen:]
	if columns*columnsEntryLen > int64(len(b)) {
		return fail("the directory is cut off")
	}
	c.reset()
	c.rows = int(rows)
	dir, b := b[:columns*columnsEntryLen], b[columns*columnsEntryLen:]
	for ; len(dir) > 0; dir = dir[columnsEntryLen:] {
		number, size, plain := le.Uint32(dir), int64(le.Uint32(dir[4:])), le.Uint32(dir[8:])
		if size > int64(len(b)) || plain > maxColumn {
			return fail(fmt.Sprintf("column %d does not fit", number))
		}
		if number < uint32(len(c.raw)) {
			c.raw[number] = rawColumn{packed: b[:size:size], plain: int(plain)}
		}
		b = b[size:]
	}
	room := int64(0)
	for i := range c.raw {
		if i >= textColumns && i < firstNumber {
			continue
		}
		if c.raw[i].packed == nil {
			return false, nil // an older version had fewer: the lines are read instead
		}
		n, ok := c.raw[i].room(i, rows)
		if !ok {
			return fail(fmt.Sprintf("column %d has %d bytes for %d rows", i, c.raw[i].plain, rows))
		}
		room += n
	}
	return room <= columnsFree+columnsPerByte*file, nil
}

// decode returns a column's bytes, which are valid until the next call.
func (c *columnSet) decode(number int) []byte {
	r := c.raw[number]
	out, err := c.dec.DecodeAll(r.packed, c.plain[:0])
	c.plain = out
	if err == nil && len(out) != r.plain {
		err = fmt.Errorf("it has %d bytes, the directory says %d", len(out), r.plain)
	}
	if err != nil {
		c.failed(number, err)
		return nil
	}
	return out
}

func (c *columnSet) failed(number int, why any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: column %d: %v", ErrIndex, number, why)
	}
}

// numbers returns a column of numbers, one per row.
func (c *columnSet) numbers(column int) []int64 {
	if c.haveNum[column] {
		return c.nums[column]
	}
	c.haveNum[column] = true
	out := c.nums[column][:0]
	b := c.decode(firstNumber + column)
	if len(b) < c.rows { // each takes a byte or more
		if b != nil {
			c.failed(firstNumber+column, "too short")
		}
		b = nil
	}
	if cap(out) < c.rows {
		out = make([]int64, c.rows)
	}
	out = out[:c.rows]
	c.nums[column] = out
	last := int64(0)
	for i := range out {
		var n int
		if column == colTime {
			var d int64
			d, n = binary.Varint(b)
			last += d
		} else {
			var v uint64
			v, n = binary.Uvarint(b)
			last = int64(v)
		}
		if n <= 0 {
			c.failed(firstNumber+column, "it ends too early")
			clear(out[i:])
			return out
		}
		out[i] = last
		b = b[n:]
	}
	return out
}

// text returns the text of a row.
func (c *columnSet) text(column, row int) string {
	if !c.haveText[column] {
		c.haveText[column] = true
		t, ok := decodeTexts(c.decode(column), c.rows, c.texts[column].codes)
		if !ok {
			c.failed(column, "malformed")
		}
		c.texts[column] = t
	}
	t := &c.texts[column]
	if len(t.codes) > 0 {
		return t.strs[t.codes[row]]
	}
	if len(t.strs) > 0 {
		return t.strs[0]
	}
	return ""
}

// decodeTexts reads what textBuilder.encode wrote. The codes take the room of others.
func decodeTexts(b []byte, rows int, room []uint32) (textColumn, bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)) || n > uint64(rows) {
		return textColumn{}, false
	}
	// All but one text have a byte or more, and each has its length; see room.
	if n > 1 && len(b) < 2*int(n)-1+rows*codeWidth(int(n)) {
		return textColumn{}, false
	}
	all := string(b) // one copy, of which the texts are parts
	at := k
	t := textColumn{strs: make([]string, n), codes: room[:0]}
	for i := range t.strs {
		size, k := binary.Uvarint(b[at:])
		if k <= 0 || size > uint64(len(b)-at-k) {
			return textColumn{}, false
		}
		at += k
		t.strs[i] = all[at : at+int(size)]
		at += int(size)
	}
	if at >= len(b) {
		return textColumn{}, false
	}
	width := int(b[at])
	b = b[at+1:]
	if width != codeWidth(int(n)) || len(b) != rows*width || n == 0 && rows > 0 {
		return textColumn{}, false
	}
	if width == 0 {
		return t, true
	}
	if cap(t.codes) < rows {
		t.codes = make([]uint32, rows)
	}
	t.codes = t.codes[:rows]
	for i := range t.codes {
		var c uint32
		switch width {
		case 1:
			c = uint32(b[i])
		case 2:
			c = uint32(binary.LittleEndian.Uint16(b[2*i:]))
		default:
			c = binary.LittleEndian.Uint32(b[4*i:])
		}
		if uint64(c) >= n {
			return textColumn{}, false
		}
		t.codes[i] = c
	}
	return t, true
}
