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
}

type rawColumn struct {
	packed []byte
	plain  int
}

type textColumn struct {
	strs  []string
	codes []uint32 // nil: all have the first text
}

// readColumns reads the columns of a closed file with a number of good lines. A nil
// set without an error: there are none. The error wraps ErrIndex.
func readColumns(f io.ReaderAt, p columnsPlace, lines int64, dec *zstd.Decoder) (*columnSet, error) {
	if p.size == 0 {
		return nil, nil
	}
	frame := make([]byte, p.size)
	if err := readFull(f, frame, p.at); err != nil {
		return nil, fmt.Errorf("%w: columns: %w", ErrIndex, err)
	}
	if crc32.Checksum(frame, castagnoli) != p.sum {
		return nil, fmt.Errorf("%w: columns: checksum does not match", ErrIndex)
	}
	return parseColumns(frame, lines, dec)
}

func parseColumns(frame []byte, lines int64, dec *zstd.Decoder) (*columnSet, error) {
	fail := func(what string) (*columnSet, error) { return nil, fmt.Errorf("%w: columns: %s", ErrIndex, what) }
	if len(frame) < frameHeadLen+columnsHeadLen {
		return fail("too short")
	}
	le := binary.LittleEndian
	b := frame[frameHeadLen:]
	if string(b[:8]) != columnsHead {
		return fail("of another version")
	}
	rows, columns := int64(le.Uint32(b[8:])), int64(le.Uint32(b[12:]))
	if rows != lines {
		return fail(fmt.Sprintf("%d rows for %d lines", rows, lines))
	}
	b = b[columnsHeadLen:]
	if columns*columnsEntryLen > int64(len(b)) {
		return fail("the directory is cut off")
	}
	s := &columnSet{rows: int(rows), dec: dec}
	dir, b := b[:columns*columnsEntryLen], b[columns*columnsEntryLen:]
	for ; len(dir) > 0; dir = dir[columnsEntryLen:] {
		number, size, plain := le.Uint32(dir), int64(le.Uint32(dir[4:])), le.Uint32(dir[8:])
		if size > int64(len(b)) || plain > maxColumn {
			return fail(fmt.Sprintf("column %d does not fit", number))
		}
		if number < uint32(len(s.raw)) {
			s.raw[number] = rawColumn{packed: b[:size:size], plain: int(plain)}
		}
		b = b[size:]
	}
	for i := range s.raw {
		if (i < textColumns || i >= firstNumber) && s.raw[i].packed == nil {
			return nil, nil // an older version had fewer: the lines are read instead
		}
	}
	return s, nil
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
	b := c.decode(firstNumber + column)
	if len(b) < c.rows { // each takes a byte or more
		if b != nil {
			c.failed(firstNumber+column, "too short")
		}
		b = nil
	}
	out := make([]int64, c.rows)
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
		t, ok := decodeTexts(c.decode(column), c.rows)
		if !ok {
			c.failed(column, "malformed")
		}
		c.texts[column] = t
	}
	t := &c.texts[column]
	if t.codes != nil {
		return t.strs[t.codes[row]]
	}
	if len(t.strs) > 0 {
		return t.strs[0]
	}
	return ""
}

// decodeTexts reads what textBuilder.encode wrote.
func decodeTexts(b []byte, rows int) (textColumn, bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)) {
		return textColumn{}, false
	}
	all := string(b) // one copy, of which the texts are parts
	at := k
	t := textColumn{strs: make([]string, n)}
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
	t.codes = make([]uint32, rows)
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
