package journalsink

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// The columns are the payload of a skippable frame between the blocks and the index,
// whose place the index names. docs/journal.md has every byte.
//
//	header     "TXTRCOL1", u32 rows, u32 columns
//	directory  per column: u32 number, u32 length, u32 length when decompressed
//	columns    zstd frames, one after another
//
// Each good line has a row, in the order of the lines.
const (
	columnsMagic    = 0x184D2A55
	columnsHead     = "TXTRCOL1"
	columnsHeadLen  = 16
	columnsEntryLen = 12
	sectionColumns  = 4
	// maxColumn bounds one decompressed column; a file that would need more (the
	// largest ones have some 600,000 lines) goes without columns.
	maxColumn = 8 << 20
	// maxColumns bounds the frame that is read.
	maxColumns = 64 << 20
)

// The number columns. In the file they are numbered from firstNumber on; the text
// columns from 0.
const (
	colTime = iota
	colLatency
	colStatus
	colSeverity
	colBits
	numberColumns
	firstNumber = 64
)

// columnBuilder collects rows.
type columnBuilder struct {
	rows    int
	numbers [numberColumns][]int64
	texts   [textColumns]textBuilder
	fields  rowFields // of the line being added
}

// textBuilder is a column of texts: each distinct one once, and its number per row.
type textBuilder struct {
	index map[string]uint32
	strs  []string
	codes []uint32
	last  uint32 // the number given last
}

func (t *textBuilder) add(b []byte) { t.codes = append(t.codes, t.code(b)) }

// code returns the number of a text.
func (t *textBuilder) code(b []byte) uint32 {
	// Most values are that of the line before.
	if len(t.strs) > 0 && t.strs[t.last] == string(b) {
		return t.last
	}
	code, ok := t.index[string(b)]
	if !ok {
		if t.index == nil {
			t.index = make(map[string]uint32)
		}
		code = uint32(len(t.strs))
		s := string(b)
		t.index[s] = code
		t.strs = append(t.strs, s)
	}
	t.last = code
	return code
}

// again reports whether s is the text that was given a number last.
func (t *textBuilder) again(s string) bool { return len(t.strs) > 0 && t.strs[t.last] == s }

// add appends the row of a good canonical line.
func (c *columnBuilder) add(line []byte) {
	f := &c.fields
	lineFields(line, f, c.text)
	c.rows++
	for i, v := range f.numbers() {
		c.numbers[i] = append(c.numbers[i], v)
	}
}

func (c *columnBuilder) text(column int, b []byte) { c.texts[column].add(b) }

// numbers are the values of the number columns.
func (f *rowFields) numbers() [numberColumns]int64 {
	return [numberColumns]int64{
		colTime: f.time, colLatency: f.latency, colStatus: int64(f.status),
		colSeverity: int64(f.severity), colBits: int64(f.bits),
	}
}

// set is what has been added so far. It stays as it is while more is added.
func (c *columnBuilder) set() *columnSet {
	s := &columnSet{rows: c.rows, nums: c.numbers}
	for i := range c.numbers {
		s.haveNum[i] = true
	}
	for i := range c.texts {
		s.texts[i] = textColumn{strs: c.texts[i].strs, codes: c.texts[i].codes}
		s.haveText[i] = true
	}
	return s
}

// encode returns the frame, or nil if a column is too large.
func (c *columnBuilder) encode(enc *zstd.Encoder) []byte {
	le := binary.LittleEndian
	const columns = numberColumns + textColumns
	dir := frameHeadLen + columnsHeadLen
	out := make([]byte, dir+columns*columnsEntryLen)
	le.PutUint32(out, columnsMagic)
	copy(out[frameHeadLen:], columnsHead)
	le.PutUint32(out[frameHeadLen+8:], uint32(c.rows))
	le.PutUint32(out[frameHeadLen+12:], columns)
	var plain []byte
	for i := range columns {
		number := i
		if i < textColumns {
			plain = c.texts[i].encode(plain[:0])
		} else {
			number = firstNumber + i - textColumns
			plain = encodeNumbers(plain[:0], c.numbers[i-textColumns], i-textColumns == colTime)
		}
		if len(plain) > maxColumn {
			return nil
		}
		at := len(out)
		out = enc.EncodeAll(plain, out)
		le.PutUint32(out[dir:], uint32(number))
		le.PutUint32(out[dir+4:], uint32(len(out)-at))
		le.PutUint32(out[dir+8:], uint32(len(plain)))
		dir += columnsEntryLen
	}
	if len(out) > maxColumns {
		return nil
	}
	le.PutUint32(out[4:], uint32(len(out)-frameHeadLen))
	return out
}

// encode appends the column: the number of texts, each with its length before it;
// the width of a row's number in bytes (0 if there is but one text), the numbers.
func (t *textBuilder) encode(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(t.strs)))
	for _, s := range t.strs {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	width := codeWidth(len(t.strs))
	dst = append(dst, byte(width))
	for _, c := range t.codes {
		switch width {
		case 1:
			dst = append(dst, byte(c))
		case 2:
			dst = append(dst, byte(c), byte(c>>8))
		case 4:
			dst = binary.LittleEndian.AppendUint32(dst, c)
		}
	}
	return dst
}

func codeWidth(texts int) int {
	switch {
	case texts <= 1:
		return 0
	case texts <= 1<<8:
		return 1
	case texts <= 1<<16:
		return 2
	}
	return 4
}

// encodeNumbers appends varints: of the values, or zigzag of their differences.
func encodeNumbers(dst []byte, values []int64, deltas bool) []byte {
	last := int64(0)
	for _, v := range values {
		if deltas {
			dst = binary.AppendVarint(dst, v-last)
			last = v
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

// columnsPlace is where the index says that the columns are; size 0: nowhere.
type columnsPlace struct {
	at   int64 // of the frame in the file
	size int64 // of the frame
	sum  uint32
}

const columnsPlaceLen = 16

// appendPlace appends the index' section.
func appendPlace(dst []byte, at int64, frame []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, uint64(at))
	dst = le.AppendUint32(dst, uint32(len(frame)))
	return le.AppendUint32(dst, crc32.Checksum(frame, castagnoli))
}

func parsePlace(s []byte) (columnsPlace, bool) {
	if len(s) != columnsPlaceLen {
		return columnsPlace{}, false
	}
	le := binary.LittleEndian
	p := columnsPlace{at: int64(le.Uint64(s)), size: int64(le.Uint32(s[8:])), sum: le.Uint32(s[12:])}
	return p, p.at >= 0 && p.size <= maxColumns
}
