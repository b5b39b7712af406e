package journalsink

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The format's page is read here as somebody would read it who writes another reader: the
// offsets, sizes, magics and numbers below are taken out of its tables and sentences, and
// nothing of the package's own decoding is used.

// formatPage is docs/journal.md.
type formatPage struct {
	t       *testing.T
	text    string
	matched map[string][]string // what match found
}

func readFormatPage(t *testing.T) *formatPage {
	t.Helper()
	b, err := os.ReadFile("../../docs/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	return &formatPage{t, string(b), map[string][]string{}}
}

// part returns what stands under a heading.
func (p *formatPage) part(heading string) string {
	p.t.Helper()
	_, after, ok := strings.Cut(p.text, "\n"+heading+"\n")
	if !ok {
		p.t.Fatalf("the page has no %q", heading)
	}
	if i := strings.Index(after, "\n#"); i >= 0 {
		after = after[:i]
	}
	return after
}

// rows returns the cells of the n-th table under a heading, without its head.
func (p *formatPage) rows(heading string, n int) (rows [][]string) {
	p.t.Helper()
	in := -1
	was := false
	for line := range strings.Lines(p.part(heading)) {
		is := strings.HasPrefix(line, "|")
		if is && !was {
			in++
		}
		was = is
		if is && in == n && !strings.Contains(line, "|---") {
			var cells []string
			for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
				cells = append(cells, strings.TrimSpace(cell))
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 2 {
		p.t.Fatalf("%q has no table %d", heading, n)
	}
	return rows[1:]
}

// match returns the groups of a pattern in a part, whose white space is made one.
func (p *formatPage) match(heading, pattern string) []string {
	p.t.Helper()
	if m := p.matched[heading+pattern]; m != nil {
		return m
	}
	m := regexp.MustCompile(pattern).FindStringSubmatch(strings.Join(strings.Fields(p.part(heading)), " "))
	if m == nil {
		p.t.Fatalf("%q does not say %q", heading, pattern)
	}
	p.matched[heading+pattern] = m[1:]
	return m[1:]
}

func (p *formatPage) number(heading, pattern string) int64 {
	p.t.Helper()
	n, err := strconv.ParseInt(strings.ReplaceAll(p.match(heading, pattern)[0], ",", ""), 0, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// layout is a table of offset, bytes, and what stands there.
type layout struct {
	t      *testing.T
	name   string
	fields map[string][2]int // by the beginning of what is said of it
}

func (p *formatPage) layout(heading string, n int) *layout {
	p.t.Helper()
	l := &layout{p.t, heading, map[string][2]int{}}
	for _, row := range p.rows(heading, n) {
		offset, err := strconv.Atoi(row[0])
		if err != nil || len(row) < 3 {
			continue
		}
		size, _ := strconv.Atoi(row[1])
		l.fields[row[2]] = [2]int{offset, size}
	}
	return l
}

// field returns what the table says of a field whose description begins so.
func (l *layout) field(what string) (offset, size int) {
	l.t.Helper()
	found := 0
	for text, f := range l.fields {
		if strings.HasPrefix(text, what) {
			offset, size = f[0], f[1]
			found++
		}
	}
	if found != 1 {
		l.t.Fatalf("%q has %d fields that begin with %q", l.name, found, what)
	}
	return offset, size
}

// read returns a number of a record.
func (l *layout) read(b []byte, what string) int64 {
	l.t.Helper()
	offset, size := l.field(what)
	switch size {
	case 4:
		return int64(binary.LittleEndian.Uint32(b[offset:]))
	case 8:
		return int64(binary.LittleEndian.Uint64(b[offset:]))
	}
	l.t.Fatalf("%q: %q has %d bytes", l.name, what, size)
	return 0
}

// formatReader reads closed files by the page.
type formatReader struct {
	*formatPage
	dec *zstd.Decoder
}

// formatFile is a closed file, read.
type formatFile struct {
	plain    []byte
	blocks   [][2]int64 // offset and length in plain
	good     []int64    // lines of each block
	damaged  int64
	min, max int64
	sections map[uint32][]byte
	rows     int64
	column   map[uint32][]byte
}

func newFormatReader(t *testing.T) *formatReader {
	t.Helper()
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dec.Close)
	return &formatReader{readFormatPage(t), dec}
}

func castagnoliOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// file reads a closed file from its end, as the page says.
func (r *formatReader) file(b []byte) *formatFile {
	t := r.t
	t.Helper()
	const closed = "## The closed file"
	tail := int(r.number(closed, `read the last (\d+) bytes`))
	trailer := r.match(closed, "check `(\\w{8})`")[0]
	if string(b[len(b)-len(trailer):]) != trailer {
		t.Fatalf("the file ends in %q", b[len(b)-tail:])
	}
	payloadLen := int64(binary.LittleEndian.Uint32(b[len(b)-tail:]))
	back := r.number(closed, `go back by the length and (\d+)`)
	frameAt := int64(len(b)) - payloadLen - back
	frame := b[frameAt:]
	if magic := r.number(closed, "magic `(0x[0-9A-F]+)`"); int64(binary.LittleEndian.Uint32(frame)) != magic {
		t.Fatalf("the index' frame has the magic %x", frame[:4])
	}
	if n := int64(binary.LittleEndian.Uint32(frame[4:])); n != payloadLen || int64(len(frame))-back != n {
		t.Fatalf("the frame has %d bytes, the trailer says %d", n, payloadLen)
	}
	payload := frame[back:]
	if got := binary.LittleEndian.Uint32(payload[payloadLen-12:]); got != castagnoliOf(payload[:payloadLen-12]) {
		t.Fatal("the index fails its check")
	}
	if head := r.match(closed, "`(TXTRIDX\\d)`")[0]; string(payload[:8]) != head {
		t.Fatalf("the index begins with %q", payload[:8])
	}
	if binary.LittleEndian.Uint32(payload[12:]) != 0 {
		t.Fatal("the second number of the header is not 0")
	}
	f := &formatFile{sections: map[uint32][]byte{}, column: map[uint32][]byte{}}
	rest := payload[16 : len(payload)-tail]
	for range binary.LittleEndian.Uint32(payload[8:]) {
		kind, n := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
		f.sections[kind] = rest[8 : 8+n]
		rest = rest[8+n:]
	}
	if len(rest) > 0 {
		t.Fatalf("%d bytes behind the sections", len(rest))
	}
	end := r.readBlocks(f, b)
	r.readColumns(f, b, end, frameAt)
	return f
}

func (r *formatReader) readBlocks(f *formatFile, b []byte) (end int64) {
	t := r.t
	t.Helper()
	const heading = "### Section 1: blocks"
	s := f.sections[1]
	whole, record := r.layout(heading, 0), r.layout(heading, 1)
	f.min, f.max = whole.read(s, "earliest time"), whole.read(s, "latest time")
	f.damaged = whole.read(s, "damaged lines")
	n := whole.read(s, "number of blocks")
	var recordLen int64
	var first int
	for _, row := range r.rows(heading, 0) {
		if strings.HasSuffix(row[1], " n") {
			first, _ = strconv.Atoi(row[0])
			recordLen, _ = strconv.ParseInt(strings.TrimSuffix(row[1], " n"), 10, 64)
		}
	}
	if int64(len(s)) != int64(first)+recordLen*n {
		t.Fatalf("%d blocks in a section of %d bytes", n, len(s))
	}
	var lines, damaged int64
	for i := range n {
		k := s[int64(first)+recordLen*i:]
		at, size, plain := record.read(k, "offset of the frame"), record.read(k, "its compressed"), record.read(k, "its decompressed")
		if at != end {
			t.Fatalf("block %d begins at %d, the one before ends at %d", i, at, end)
		}
		end = at + size
		text, err := r.dec.DecodeAll(b[at:end], nil)
		if err != nil || int64(len(text)) != plain {
			t.Fatalf("block %d has %d bytes, want %d: %v", i, len(text), plain, err)
		}
		f.blocks = append(f.blocks, [2]int64{int64(len(f.plain)), plain})
		f.plain = append(f.plain, text...)
		f.good = append(f.good, record.read(k, "good lines"))
		lines, damaged = lines+record.read(k, "good lines"), damaged+record.read(k, "damaged lines")
	}
	if lines != whole.read(s, "good lines") || damaged != f.damaged || whole.read(s, "decompressed bytes") != int64(len(f.plain)) {
		t.Fatalf("the sums are wrong: %d lines, %d damaged, %d bytes", lines, damaged, len(f.plain))
	}
	return end
}

func (r *formatReader) readColumns(f *formatFile, b []byte, end, frameAt int64) {
	t := r.t
	t.Helper()
	place := r.layout("### Section 4: place of the columns", 0)
	s := f.sections[4]
	if s == nil {
		return
	}
	at, n := place.read(s, "offset of the columns"), place.read(s, "its length")
	if at != end || at+n != frameAt {
		t.Fatalf("the columns are at %d to %d, the blocks end at %d and the index begins at %d", at, at+n, end, frameAt)
	}
	frame := b[at : at+n]
	if castagnoliOf(frame) != uint32(place.read(s, "CRC-32C")) {
		t.Fatal("the columns fail their check")
	}
	const heading = "## The columns"
	l := r.layout(heading, 0)
	if magic := r.number(heading, "magic `(0x[0-9A-F]+)`"); l.read(frame, "magic") != magic || l.read(frame, "length of the rest") != n-8 {
		t.Fatalf("the columns' frame begins with %x", frame[:8])
	}
	headAt, _ := l.field("`TXTRCOL")
	if head := r.match(heading, "`(TXTRCOL\\d)`")[0]; string(frame[headAt:headAt+8]) != head {
		t.Fatalf("the columns begin with %q", frame[headAt:headAt+8])
	}
	f.rows = l.read(frame, "number of rows")
	c := l.read(frame, "number of columns")
	tableAt := 0
	for text, field := range l.fields {
		if strings.HasPrefix(text, "per column") {
			tableAt = field[0]
		}
	}
	body := frame[tableAt+12*int(c):]
	for i := range int(c) {
		e := frame[tableAt+12*i:]
		number, size, plain := binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:]), binary.LittleEndian.Uint32(e[8:])
		text, err := r.dec.DecodeAll(body[:size], nil)
		if err != nil || len(text) != int(plain) {
			t.Fatalf("column %d has %d bytes, want %d: %v", number, len(text), plain, err)
		}
		f.column[number] = text
		body = body[size:]
	}
	if len(body) > 0 {
		t.Fatalf("%d bytes behind the columns", len(body))
	}
}

// texts reads a text column.
func (f *formatFile) texts(t *testing.T, number uint32) (out []string) {
	t.Helper()
	b := f.column[number]
	uvarint := func() int {
		v, n := binary.Uvarint(b)
		b = b[n:]
		return int(v)
	}
	known := make([]string, uvarint())
	for i := range known {
		n := uvarint()
		known[i], b = string(b[:n]), b[n:]
	}
	width := int(b[0])
	b = b[1:]
	if want := map[bool]int{true: 0, false: 1}[len(known) < 2]; len(known) <= 256 && width != want {
		t.Fatalf("column %d: %d texts in %d bytes", number, len(known), width)
	}
	for range f.rows {
		v := 0
		for i := range width {
			v |= int(b[i]) << (8 * i)
		}
		b = b[width:]
		text := ""
		if len(known) > 0 {
			text = known[v]
		}
		out = append(out, text)
	}
	if len(b) > 0 {
		t.Fatalf("column %d has %d bytes too many", number, len(b))
	}
	return out
}

// numbers reads a number column.
func (f *formatFile) numbers(t *testing.T, number uint32, differences bool) (out []int64) {
	t.Helper()
	b := f.column[number]
	last := int64(0)
	for range f.rows {
		if differences {
			v, n := binary.Varint(b) // zigzag
			b = b[n:]
			last += v
			out = append(out, last)
			continue
		}
		v, n := binary.Uvarint(b)
		b = b[n:]
		out = append(out, int64(v))
	}
	if len(b) > 0 {
		t.Fatalf("column %d has %d bytes too many", number, len(b))
	}
	return out
}

// lines takes the good lines apart.
func (r *formatReader) lines(plain []byte) (lines []map[string]any) {
	t := r.t
	t.Helper()
	const heading = "## The open file"
	tail := int(r.number(heading, `The last (\d+) bytes before the newline`))
	for line := range bytes.Lines(plain) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if len(bytes.TrimLeft(line, " ")) == 0 {
			continue
		}
		canonical := append(slices.Clone(line[:len(line)-tail]), '}')
		end := fmt.Sprintf(`,"crc":"%08x"}`, castagnoliOf(canonical))
		if len(end) != tail || string(line[len(line)-tail:]) != end {
			t.Fatalf("a line ends in %q, want %q", line[len(line)-tail:], end)
		}
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, m)
	}
	return lines
}

// mayHave looks a txid up in section 2, and returns the numbers of the blocks.
func (r *formatReader) mayHave(f *formatFile, prefix string) (blocks []int) {
	t := r.t
	t.Helper()
	s := f.sections[2]
	k, g := binary.LittleEndian.Uint32(s), binary.LittleEndian.Uint32(s[4:])
	perGroup := uint32(r.number("### Section 2: txids", `g = ⌈k/(\d+)⌉`))
	if g != (k+perGroup-1)/perGroup {
		t.Fatalf("%d keys in %d groups", k, g)
	}
	keys := s[8+4*g:]
	type key struct {
		text   string
		blocks []int
	}
	group := func(i uint32) (out []key) {
		b := keys[binary.LittleEndian.Uint32(s[8+4*i:]):]
		last := ""
		for range min(perGroup, k-i*perGroup) {
			uvarint := func() int {
				v, n := binary.Uvarint(b)
				b = b[n:]
				return int(v)
			}
			shared := uvarint()
			if len(out) == 0 && shared != 0 {
				t.Fatal("the first key of a group shares bytes")
			}
			n := uvarint()
			e := key{text: last[:shared] + string(b[:n])}
			b = b[n:]
			last = e.text
			at := 0
			for range uvarint() {
				at += uvarint()
				e.blocks = append(e.blocks, at)
			}
			out = append(out, e)
		}
		return out
	}
	from := uint32(0)
	for i := range g {
		if group(i)[0].text <= prefix {
			from = i
		}
	}
	for i := from; i < g; i++ {
		for _, e := range group(i) {
			if strings.HasPrefix(e.text, prefix) || strings.HasPrefix(prefix, e.text) {
				blocks = append(blocks, e.blocks...)
			} else if e.text > prefix {
				return blocks
			}
		}
	}
	return blocks
}

// filtered looks a txid up in section 3, and reports whether the file may have it.
func (r *formatReader) filtered(f *formatFile, prefix string) bool {
	t := r.t
	t.Helper()
	const heading = "### Section 3: filter of txids"
	s := f.sections[3]
	l := r.layout(heading, 0)
	keys, n := l.read(s, "number of keys"), l.read(s, "number of filter blocks")
	first, _ := l.field("the filter blocks")
	if want := max(1, (keys*16+255)/256); n != want || len(s) != first+32*int(n) {
		t.Fatalf("%d keys in %d blocks, %d bytes", keys, n, len(s))
	}
	cut := 0
	for _, word := range r.match(heading, `distinct txids of (\d+), (\d+), (\d+) and (\d+) bytes`) {
		if length, _ := strconv.Atoi(word); length <= len(prefix) {
			cut = length
		}
	}
	if cut == 0 {
		return true
	}
	h := uint64(14695981039346656037)
	for _, c := range []byte(prefix[:cut]) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	mixers := r.match(heading, "after the first by `(0x[0-9a-f]+)` and after the second by `(0x[0-9a-f]+)`")
	for _, m := range []string{mixers[0], mixers[1], "1"} {
		by, err := strconv.ParseUint(m, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		h = (h ^ h>>33) * by
	}
	at := first + 32*int((h>>32)*uint64(n)>>32)
	salts := strings.Fields(r.match(heading, "split-block filter: `([0-9a-f ]+)`")[0])
	for i, word := range salts {
		salt, err := strconv.ParseUint(word, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		bit := uint32(h) * uint32(salt) >> 27
		if binary.LittleEndian.Uint32(s[at+4*i:])>>bit&1 == 0 {
			return false
		}
	}
	return len(salts) == 8
}
