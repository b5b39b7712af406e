package journalsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(2), // look-ups at a time; more wait
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(maxFrame)))
}

// walkClosed reads a .jsonl.zst. When its index is damaged and the open file is
// still there, other is true and nothing has been read: that one is the better.
func (r *Reader) walkClosed(ctx context.Context, v *volume, q *query, from int64, each emit) (end int64, other bool, err error) {
	name := v.text + extClosed
	i := v.info.Load()
	if i != nil && i.rulesOut(q) {
		r.recorded(name, i)
		return i.plain, false, nil
	}
	x := r.indexes.get(v.text)
	var f *os.File
	if i == nil || x == nil {
		if f, x, i, err = r.openClosed(v); err != nil {
			return from, false, err
		}
		if f == nil && v.listed.open {
			return from, true, nil
		}
		if f == nil {
			return from, false, errUnread
		}
		defer func() { _ = f.Close() }()
		if x == nil && v.listed.open {
			return from, true, nil
		}
		if x == nil {
			end, err := r.walkFrames(ctx, f, name, q, from, each)
			return end, false, err
		}
	}
	r.recorded(name, i)
	numbers := q.blocks(x, from)
	if len(numbers) == 0 {
		return x.plain, false, nil
	}
	if f == nil {
		if f, err = r.open(name); err != nil {
			r.unreadable(name, 0, err)
			if !errors.Is(err, fs.ErrNotExist) {
				err = errUnread
			}
			return from, false, err
		}
		defer func() { _ = f.Close() }()
	}
	if q.byColumns() && q.ids == nil {
		if set := r.columns(f, name, x); set != nil {
			defer r.spareColumns(set)
			done, err := r.walkColumns(ctx, f, name, x, set, numbers, q, from, each)
			if done || err != nil {
				return x.plain, false, err
			}
		}
	}
	d := r.blockReader(name)
	defer d.release()
	for _, n := range numbers {
		if err := ctx.Err(); err != nil {
			return from, false, err
		}
		b := &x.blocks[n]
		if err := d.indexed(f, b, q, from, nil, each); err != nil {
			return b.plainAt, false, err
		}
	}
	return x.plain, false, nil
}

// recorded says what was damaged before the file was closed.
func (r *Reader) recorded(name string, i *fileInfo) {
	if i.damaged > 0 {
		r.damage.add(Damage{File: name, Lines: i.damaged, Err: ErrRecorded})
	}
}

// columns returns a file's columns, or nil if there are none that can be read.
func (r *Reader) columns(f *os.File, name string, x *index) *columnSet {
	var set *columnSet
	select {
	case set = <-r.spareSets:
	default:
		set = &columnSet{dec: r.zstd}
	}
	ok, err := set.read(f, x.columns, x.entries)
	if err != nil {
		r.damage.add(Damage{File: name, Offset: x.columns.at, Err: indexError(err)})
	}
	if !ok {
		return nil
	}
	return set
}

// spareColumns keeps a set's memory for another file.
func (r *Reader) spareColumns(set *columnSet) {
	if len(set.frame)+cap(set.plain) > 4<<20 { // of a huge file
		return
	}
	select {
	case r.spareSets <- set:
	default:
	}
}

// walkColumns answers a query by the columns, and decodes only the blocks that have
// what is wanted. It is not done if a column turns out to be malformed: nothing has
// been yielded then, unless it was rows.
func (r *Reader) walkColumns(ctx context.Context, f *os.File, name string, x *index, set *columnSet, numbers []int, q *query, from int64, each emit) (done bool, err error) {
	firsts := make([]int, len(x.blocks)+1)
	for i := range x.blocks {
		firsts[i+1] = firsts[i] + x.blocks[i].lines
	}
	defer func() {
		if set.err != nil {
			r.damage.add(Damage{File: name, Offset: x.columns.at, Err: set.err})
		}
	}()
	if q.rows != nil {
		for _, n := range numbers {
			if err := q.visit(ctx, set, firsts[n], firsts[n+1]); err != nil {
				return true, err
			}
		}
		return true, nil
	}
	// All columns first, so that a malformed one is known before a line is yielded.
	keep := make([]bool, set.rows)
	wanted := numbers[:0:0]
	times, flags := set.numbers(colTime), set.numbers(colBits)
	row := Row{c: set}
	for _, n := range numbers {
		some := false
		for i := firsts[n]; i < firsts[n+1]; i++ {
			if flags[i]&rowUnknown == 0 {
				if q.bounded && (flags[i]&rowTimed == 0 || times[i] < q.since || times[i] >= q.until) {
					continue
				}
				if row.i = i; !q.match(&row) {
					continue
				}
			}
			keep[i], some = true, true
		}
		if some {
			wanted = append(wanted, n)
		}
	}
	if set.err != nil {
		return false, nil
	}
	d := r.blockReader(name)
	defer d.release()
	for _, n := range wanted {
		if err := ctx.Err(); err != nil {
			return true, err
		}
		if err := d.indexed(f, &x.blocks[n], q, from, keep[firsts[n]:firsts[n+1]], each); err != nil {
			return true, err
		}
	}
	return true, nil
}

// walkFrames reads a closed file whose index is of no use.
func (r *Reader) walkFrames(ctx context.Context, f *os.File, name string, q *query, from int64, each emit) (int64, error) {
	st, err := f.Stat()
	if err != nil {
		r.unreadable(name, 0, err)
		return from, nil
	}
	d := r.blockReader(name)
	defer d.release()
	plain := int64(0)
	err = frames(untilDone{ctx, f}, st.Size(), func(at int64, frame []byte) (int64, bool, error) {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		b := block{at: at, size: int64(len(frame)), plainAt: plain, plain: -1}
		ok, err := d.lines(frame, &b, q, from, nil, each)
		plain += b.plain
		return b.plain, ok, err
	}, func(at int64, why error) {
		r.damage.add(Damage{File: name, Offset: at, Err: fmt.Errorf("%w: %w", ErrBlock, why)})
	})
	switch {
	case err == nil:
	case errors.Is(err, errStop), ctx.Err() != nil:
		return plain, err
	default:
		r.unreadable(name, 0, err)
	}
	return plain, nil
}

// blocks returns the numbers of the blocks that may have what is wanted behind a
// plain offset.
func (q *query) blocks(x *index, from int64) []int {
	if q.ids != nil {
		return x.findAny(q.ids)
	}
	if q.bounded && !q.overlaps(x.min, x.max) {
		return nil
	}
	var numbers []int
	for i := range x.blocks {
		b := &x.blocks[i]
		if b.lines > 0 && b.plainAt+b.plain > from && q.overlaps(b.min, b.max) {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// blockReader decodes the blocks of one file, with buffers that it keeps.
type blockReader struct {
	r      *Reader
	name   string
	packed []byte
	plain  []byte
}

// spareReaders are kept between calls: a block is 128 KiB, most of what a look-up
// would allocate.
const spareReaders = 2

func (r *Reader) blockReader(name string) *blockReader {
	select {
	case d := <-r.spare:
		d.name = name
		return d
	default:
		return &blockReader{r: r, name: name}
	}
}

func (d *blockReader) release() {
	if cap(d.packed) > 8*blockTarget { // of a huge line
		d.packed = nil
	}
	select {
	case d.r.spare <- d:
	default:
	}
}

// indexed reads a block that the index names. keep, if it is not nil, says which of
// its good lines are wanted.
func (d *blockReader) indexed(f *os.File, b *block, q *query, from int64, keep []bool, each emit) error {
	if int64(cap(d.packed)) < b.size {
		d.packed = make([]byte, b.size+b.size/4)
	}
	d.packed = d.packed[:b.size]
	if err := readFull(f, d.packed, b.at); err != nil {
		d.damaged(b, b.lines, err)
		return nil
	}
	own := *b // the index is shared
	_, err := d.lines(d.packed, &own, q, from, keep, each)
	return err
}

func (d *blockReader) damaged(b *block, lines int, err error) {
	d.r.damage.add(Damage{File: d.name, Offset: b.at, Lines: lines, Err: fmt.Errorf("%w: %w", ErrBlock, err)})
}

// lines decodes a frame and reads its lines. b.plain is the length that is
// expected, or -1 if it is not known, and is what it was afterwards. ok is false if
// the frame was damaged; what was decoded of it until there is still read, since
// every line has its own checksum.
func (d *blockReader) lines(frame []byte, b *block, q *query, from int64, keep []bool, each emit) (ok bool, err error) {
	want := b.plain
	if want > 0 && int64(cap(d.plain)) < want {
		d.plain = make([]byte, 0, want+want/4)
	}
	plain, derr := d.r.zstd.DecodeAll(frame, d.plain[:0])
	if cap(plain) > cap(d.plain) && cap(plain) <= 8*blockTarget {
		d.plain = plain
	}
	if derr == nil && want >= 0 && int64(len(plain)) != want {
		derr = fmt.Errorf("it has %d bytes, the index says %d", len(plain), want)
	}
	b.plain = int64(len(plain))
	read, good := 0, -1
	for at := b.plainAt; len(plain) > 0; {
		text := plain
		if i := bytes.IndexByte(plain, '\n'); i >= 0 {
			text, plain = plain[:i], plain[i+1:]
		} else {
			plain = nil
			if derr != nil {
				break // cut off by the damage
			}
		}
		start := at
		at += int64(len(text)) + 1
		if derr != nil {
			// Only what is beyond doubt, and without a word of each other line.
			line, err := stripLine(text)
			if err != nil {
				continue
			}
			read++
			text[len(line)-1] = ','
		}
		if blank(text) {
			if want < 0 && len(text) > 0 && start >= from { // else the index has told
				d.r.damage.add(Damage{File: d.name, Offset: b.at, Lines: 1, Err: ErrRecorded})
			}
			continue
		}
		// Of a damaged block the lines can not be told apart by counting. A follower that
		// could not look for the beginning of its line has a place within that; its newline
		// lies behind it.
		if good++; at <= from || q.parts != nil && !q.inParts(at-1) || derr == nil && good < len(keep) && !keep[good] {
			continue
		}
		if err := d.r.line(d.name, b.at, rawLine{at: start, text: text}, q, each); err != nil {
			return false, err
		}
	}
	if derr != nil {
		d.damaged(b, max(0, b.lines-read), derr)
	}
	return derr == nil, nil
}
