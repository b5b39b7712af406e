package journalsink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// A forged file is one whose checksums are right and whose index says what is not so:
// the CRC is no secret.

// forged is a closed file, taken apart.
type forged struct {
	t       testing.TB
	blocks  []byte // the frames
	index   []block
	others  []section
	summary func(s []byte) // changes the section of the blocks
	frame   []byte         // of the columns; nil: none
}

// forge returns the parts of a file of some entries.
func forge(t testing.TB, batch []*entry.Entry) *forged {
	t.Helper()
	var out bytes.Buffer
	s, err := newSealer(&out)
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for _, e := range batch {
		lines = appendLine(lines, e.Line())
	}
	if err := s.run(bytes.NewReader(lines), int64(len(lines)), func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	x, err := readIndex(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return &forged{
		t: t, blocks: out.Bytes()[:x.blocksEnd()], index: x.blocks,
		frame:  slices.Clone(out.Bytes()[x.columns.at:][:x.columns.size]),
		others: []section{{sectionIDs, encodeIDs(s.ids)}, {sectionFilter, encodeFilter(sortedIDs(s.ids))}},
	}
}

// columns replaces the columns by what makes gives for each.
func (f *forged) columns(rows uint32, plain func(number int) []byte) {
	f.t.Helper()
	s, err := newSealer(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	le := binary.LittleEndian
	dir := append([]byte(nil), columnsHead...)
	dir = le.AppendUint32(dir, rows)
	dir = le.AppendUint32(dir, numberColumns+textColumns)
	var all []byte
	for number := range firstNumber + numberColumns {
		if number >= textColumns && number < firstNumber {
			continue
		}
		at, b := len(all), plain(number)
		all = s.enc.EncodeAll(b, all)
		dir = le.AppendUint32(dir, uint32(number))
		dir = le.AppendUint32(dir, uint32(len(all)-at))
		dir = le.AppendUint32(dir, uint32(len(b)))
	}
	f.frame = le.AppendUint32(nil, columnsMagic)
	f.frame = le.AppendUint32(f.frame, uint32(len(dir)+len(all)))
	f.frame = append(append(f.frame, dir...), all...)
}

// bytes puts the file together.
func (f *forged) bytes() []byte {
	out := slices.Clone(f.blocks)
	others := slices.Clone(f.others)
	if f.frame != nil {
		others = append(others, section{sectionColumns, appendPlace(nil, int64(len(out)), f.frame)})
		out = append(out, f.frame...)
	}
	index := appendIndex(nil, f.index, others...)
	if f.summary != nil {
		f.summary(index[frameHeadLen+indexHeadLen+8:])
		index = fixIndex(index)
	}
	return append(out, index...)
}

// mendClosed makes the checksums of a closed file right, as far as it is one.
func mendClosed(file []byte) []byte {
	file = slices.Clone(file)
	at := bytes.LastIndex(file, []byte(indexHead)) - frameHeadLen
	if at < 0 || len(file)-at < frameHeadLen+indexHeadLen+indexTailLen {
		return file
	}
	le := binary.LittleEndian
	index := fixIndex(file[at:])
	for rest := index[frameHeadLen+indexHeadLen : len(index)-indexTailLen]; len(rest) >= 8; {
		kind, size := le.Uint32(rest), int64(le.Uint32(rest[4:]))
		if rest = rest[8:]; size > int64(len(rest)) {
			break
		}
		if kind == sectionColumns && size == columnsPlaceLen {
			if p, _ := parsePlace(rest[:size]); p.at >= 0 && p.size <= int64(at) && p.at <= int64(at)-p.size {
				le.PutUint32(rest[12:], checksum(file[p.at:][:p.size]))
			}
		}
		rest = rest[size:]
	}
	return append(file[:at], fixIndex(index)...)
}

// readWhole does all that a reader can do with a folder, and returns the insertIds.
func readWhole(t testing.TB, dir string) (ids []string, r *Reader) {
	t.Helper()
	r = readerTest(t, dir)
	ids = scanIDs(t, r)
	for row, err := range r.Rows(context.Background(), ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		_ = copied(row)
	}
	for e, err := range r.Scan(context.Background(), ScanOptions{Match: func(r *Row) bool { return copied(r).status == 0 }}) {
		if err != nil || e.HTTP.Status != 0 {
			t.Fatalf("%v, %v", e, err)
		}
	}
	for e, err := range r.Lookup(context.Background(), "txid-0") {
		if err != nil || !strings.HasPrefix(string(e.TxID), "txid-0") {
			t.Fatalf("%v, %v", e, err)
		}
	}
	if _, err := r.Coverage(context.Background()); err != nil {
		t.Fatal(err)
	}
	return ids, r
}

// allocated returns the bytes that do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Whatever a forged index or its columns say, the lines that are there are read, nothing
// panics, and the memory that is taken does not follow the word of the file.
func TestForgedFiles(t *testing.T) {
	const entries = 5
	zeros := func(n int) []byte { return make([]byte, n) }
	// columnOf gives columns of so many rows that are as short as can be.
	columnOf := func(rows int) func(number int) []byte {
		return func(number int) []byte {
			if number >= firstNumber {
				return zeros(rows)
			}
			return []byte{1, 0, 0} // one text, of no bytes
		}
	}
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		forge func(f *forged)
		index bool // it is no index at all: the blocks are read without it
	}{
		"as it was": {forge: func(*forged) {}},
		"a block of more lines than rows": {index: true, forge: func(f *forged) {
			f.index[0].lines = 100
			f.summary = func(s []byte) { le.PutUint64(s, entries) }
		}},
		"a block of fewer lines than rows": {index: true, forge: func(f *forged) {
			f.index[0].lines = 1
			f.summary = func(s []byte) { le.PutUint64(s, entries) }
		}},
		"the lines of another file": {forge: func(f *forged) { f.index[0].lines = 100 }},
		"more entries than bytes": {index: true, forge: func(f *forged) {
			f.summary = func(s []byte) { le.PutUint64(s, 1<<40) }
		}},
		"a negative number of entries": {index: true, forge: func(f *forged) {
			f.summary = func(s []byte) { le.PutUint64(s, 1<<63) }
		}},
		"more damage than in its blocks": {index: true, forge: func(f *forged) {
			f.summary = func(s []byte) { le.PutUint32(s[32:], 1<<31) }
		}},
		"more damage than bytes": {index: true, forge: func(f *forged) { f.index[0].damaged = 1 << 30 }},
		"another size":           {index: true, forge: func(f *forged) { f.summary = func(s []byte) { le.PutUint64(s[8:], 1<<30) } }},
		"other times":            {index: true, forge: func(f *forged) { f.summary = func(s []byte) { le.PutUint64(s[16:], 1<<62) } }},
		"a block of more lines than bytes": {index: true, forge: func(f *forged) {
			f.index[0].lines = int(f.index[0].plain)
		}},
		"a block of 200,000,000 lines": {index: true, forge: func(f *forged) {
			f.more(200_000_000, 1)
			f.columns(entries+200_000_000, columnOf(entries))
		}},
		"200,000,000 rows": {forge: func(f *forged) {
			f.more(8_000_000, 25)
			f.columns(entries+200_000_000, columnOf(entries))
		}},
		"8,000,000 rows of nothing": {forge: func(f *forged) {
			f.more(8_000_000, 1)
			f.columns(entries+8_000_000, columnOf(entries+8_000_000))
		}},
		"8,000,000 texts of nothing": {forge: func(f *forged) {
			f.columns(entries, func(number int) []byte {
				if number >= firstNumber {
					return zeros(entries)
				}
				const n = 8_000_000
				b := binary.AppendUvarint(nil, n)
				b = append(b, zeros(n)...)
				b = append(b, byte(codeWidth(n)))
				return append(b, zeros(entries*codeWidth(n))...)
			})
		}},
		"columns without rows": {forge: func(f *forged) { f.columns(entries, func(int) []byte { return nil }) }},
		"one row too many":     {forge: func(f *forged) { f.columns(entries+1, columnOf(entries+1)) }},
		"rows of nothing":      {forge: func(f *forged) { f.columns(entries, columnOf(entries)) }},
		"numbers cut off": {forge: func(f *forged) {
			f.columns(entries, func(number int) []byte {
				if number >= firstNumber {
					return bytes.Repeat([]byte{0x80}, entries)
				}
				return []byte{1, 0, 0}
			})
		}},
		"parts of more lines than there are": {index: true, forge: func(f *forged) {
			base := newBase("web", testStart, 1, 1)
			f.others = append(f.others, section{sectionOrigins, encodeOrigins([]origin{{base: base, rows: 1 << 31}, {base: base, rows: 1 << 31}})})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			batch := makeBatch(t, 0, entries, 3)
			f := forge(t, batch)
			c.forge(f)
			file := f.bytes()
			dir := t.TempDir()
			base := newBase("web", testStart, 1, 1)
			if err := os.WriteFile(filepath.Join(dir, base+extClosed), file, 0o600); err != nil {
				t.Fatal(err)
			}
			var ids []string
			var r *Reader
			took := allocated(func() { ids, r = readWhole(t, dir) })
			if diff := cmp.Diff(insertIDs(batch), ids); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if took > 200<<20 {
				t.Errorf("%d MiB were allocated for a file of %d bytes", took>>20, len(file))
			}
			cov, err := r.Coverage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			damaged := slices.ContainsFunc(cov.Damaged, func(d Damage) bool { return errors.Is(d.Err, ErrIndex) && d.Offset == 0 })
			if damaged != c.index {
				t.Errorf("damage told: %v", cov.Damaged)
			}

			// Who ships gives what is there, and can go on after a restart.
			told := &told{}
			s := spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1, OnError: told.add})
			feed := attachTest(t, s, "cloud")
			b, err := feed.Look(context.Background())
			if err != nil || b.Entries > maxKnown || c.index && b.Entries > entries+1 {
				t.Errorf("%+v, %v", b, err)
			}
			got := takeTest(t, feed, 2)
			if diff := cmp.Diff(insertIDs(batch[:2]), got); diff != "" {
				t.Errorf("shipped (-want +got)\n%s", diff)
			}
			closeTest(t, feed)
			feed = attachTest(t, s, "cloud")
			if _, err := feed.Look(context.Background()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(insertIDs(batch[2:]), takeTest(t, feed, 10)); diff != "" {
				t.Errorf("shipped after a restart (-want +got)\n%s", diff)
			}
			closeTest(t, feed)
			if told.is(ErrCursor) {
				t.Errorf("told %v", told.errs)
			}
		})
	}
}

// more adds n blocks of which the index says that each has so many lines.
func (f *forged) more(lines, n int) {
	f.t.Helper()
	s, err := newSealer(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for range n {
		at := len(f.blocks)
		f.blocks = s.enc.EncodeAll([]byte(" \n"), f.blocks)
		f.index = append(f.index, block{at: int64(at), size: int64(len(f.blocks) - at), plain: int64(lines) * minLine, lines: lines, min: noMin, max: noMax})
	}
}

// FuzzForgedColumns: whatever an index and columns say whose checksums are right, reading
// does not panic, and yields the lines that are there.
func FuzzForgedColumns(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, newBase("web", testStart, 1, 1)+extClosed)
	batch := makeBatch(f, 0, 5, 3)
	f.Add(uint32(5), uint32(5), uint64(5), []byte{0, 0, 0, 0, 0}, []byte{1, 0, 0})
	f.Add(uint32(5), uint32(5), uint64(5), []byte{2, 2, 2, 2, 2}, []byte{2, 1, 'a', 1, 'b', 1, 0, 1, 0, 1, 0})
	f.Add(uint32(100), uint32(5), uint64(5), []byte{0, 0, 0, 0, 0}, []byte{1, 0, 0})
	f.Add(uint32(5), uint32(1<<30), uint64(1<<40), []byte{0x80}, []byte{0xff, 0xff, 0xff, 3, 0, 0})
	f.Fuzz(func(t *testing.T, lines, rows uint32, entries uint64, number, text []byte) {
		g := forge(t, batch)
		g.index[0].lines = int(lines)
		g.summary = func(s []byte) { binary.LittleEndian.PutUint64(s, entries) }
		g.columns(rows, func(n int) []byte {
			if n >= firstNumber {
				return number
			}
			return text
		})
		if err := os.WriteFile(path, g.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		ids, _ := readWhole(t, dir)
		if lines == 0 && len(ids) == 0 {
			return // a block that is said to have no lines is not read
		}
		if diff := cmp.Diff(insertIDs(batch), ids); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
