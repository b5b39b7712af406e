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
func (r *Reader) walkClosed(ctx context.Context, l *listed, q *query, from int64, each emit) (end int64, other bool, err error) {
	name := l.text + extClosed
	x := r.indexes.get(l.text)
	var f *os.File
	if x == nil {
		if f, x, err = r.openClosed(name); err != nil {
			return from, false, err
		}
		if f == nil {
			return from, l.open, nil
		}
		defer func() { _ = f.Close() }()
		if x == nil && l.open {
			return from, true, nil
		}
		if x == nil {
			end, err := r.walkFrames(ctx, f, name, q, from, each)
			return end, false, err
		}
		r.indexes.put(l.text, x)
	}
	if x.damaged > 0 {
		r.damage.add(Damage{File: name, Lines: x.damaged, Err: ErrRecorded})
	}
	numbers := q.blocks(x, from)
	if len(numbers) == 0 {
		return x.plain, false, nil
	}
	if f == nil {
		if f, err = r.open(name); err != nil {
			r.unreadable(name, 0, err)
			return from, false, err
		}
		defer func() { _ = f.Close() }()
	}
	d := blockReader{r: r, name: name}
	for _, n := range numbers {
		if err := ctx.Err(); err != nil {
			return from, false, err
		}
		b := &x.blocks[n]
		if err := d.indexed(f, b, q, from, each); err != nil {
			return b.plainAt, false, err
		}
	}
	return x.plain, false, nil
}

// openClosed opens a closed file and its index. The error is only that the file is
// gone; f is nil for one that can not be opened, x for one without an index.
func (r *Reader) openClosed(name string) (f *os.File, x *index, err error) {
	f, err = r.open(name)
	if err != nil {
		r.unreadable(name, 0, err)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		return nil, nil, nil
	}
	st, err := f.Stat()
	if err == nil {
		x, err = readIndex(f, st.Size())
	}
	if err != nil {
		if !errors.Is(err, ErrIndex) {
			err = fmt.Errorf("%w: %w", ErrIndex, err)
		}
		r.damage.add(Damage{File: name, Err: err})
	}
	return f, x, nil
}

// walkFrames reads a closed file whose index is of no use.
func (r *Reader) walkFrames(ctx context.Context, f *os.File, name string, q *query, from int64, each emit) (int64, error) {
	st, err := f.Stat()
	if err != nil {
		r.unreadable(name, 0, err)
		return from, nil
	}
	d := blockReader{r: r, name: name}
	plain := int64(0)
	err = frames(untilDone{ctx, f}, st.Size(), func(at int64, frame []byte) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		b := block{at: at, size: int64(len(frame)), plainAt: plain, plain: -1}
		ok, err := d.lines(frame, &b, q, from, each)
		plain += b.plain
		return ok, err
	}, func(at int64) {
		r.damage.add(Damage{File: name, Offset: at, Err: fmt.Errorf("%w: no frame begins here", ErrBlock)})
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
	if q.prefix != nil {
		return x.find(string(q.prefix))
	}
	if q.bounded && !q.overlaps(x.min, x.max) {
		return nil
	}
	var numbers []int
	for i := range x.blocks {
		b := &x.blocks[i]
		if b.plainAt+b.plain > from && q.overlaps(b.min, b.max) {
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

// indexed reads a block that the index names.
func (d *blockReader) indexed(f *os.File, b *block, q *query, from int64, each emit) error {
	if b.size > maxFrame || b.plain > maxFrame {
		d.damaged(b, b.lines, errTooLong)
		return nil
	}
	if int64(cap(d.packed)) < b.size {
		d.packed = make([]byte, b.size+b.size/4)
	}
	d.packed = d.packed[:b.size]
	if err := readFull(f, d.packed, b.at); err != nil {
		d.damaged(b, b.lines, err)
		return nil
	}
	_, err := d.lines(d.packed, b, q, from, each)
	return err
}

func (d *blockReader) damaged(b *block, lines int, err error) {
	d.r.damage.add(Damage{File: d.name, Offset: b.at, Lines: lines, Err: fmt.Errorf("%w: %w", ErrBlock, err)})
}

// lines decodes a frame and reads its lines. b.plain is the length that is
// expected, or -1 if it is not known, and is what it was afterwards. ok is false if
// the frame was damaged; what was decoded of it until there is still read, since
// every line has its own checksum.
func (d *blockReader) lines(frame []byte, b *block, q *query, from int64, each emit) (ok bool, err error) {
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
	read := 0
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
		if start < from {
			continue
		}
		if blank(text) {
			if want < 0 && len(text) > 0 { // else the index has told
				d.r.damage.add(Damage{File: d.name, Offset: b.at, Lines: 1, Err: ErrRecorded})
			}
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
