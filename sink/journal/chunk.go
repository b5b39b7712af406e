package journalsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// chunkBytes is how much of an open file is read at a time.
const chunkBytes = 256 << 10

// plain says where the decompressed bytes of a closed file are in it.
type plain struct {
	blocks   []block
	lines    int64 // with the damaged ones
	size     int64 // decompressed
	from, to int64 // of the entries' times
	// guessed: there was no index, and a block was damaged, so that the offsets are not
	// those of the open file.
	guessed bool
}

// openPlain reads the index of a closed file, or makes one from its frames.
func (s *Spool) openPlain(ctx context.Context, name string, damage func(Damage)) (*plain, error) {
	f, err := s.fs.Open(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if x, err := readIndex(f, size); err == nil {
		return &plain{blocks: x.blocks, lines: x.entries + int64(x.damaged), size: x.plain, from: x.min, to: x.max}, nil
	} else if !errors.Is(err, ErrIndex) {
		return nil, err
	}
	if size == 0 { // a power failure may leave that, of a file that was not empty
		damage(Damage{File: name, Err: fmt.Errorf("%w: the file is empty", ErrBlock)})
	}
	p := &plain{from: noMin, to: noMax}
	err = frames(untilDone{ctx, f}, size, func(at int64, frame []byte) (int64, bool, error) {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		text, err := s.zstd.DecodeAll(frame, nil)
		if err != nil {
			p.guessed = true
			damage(Damage{File: name, Offset: at, Err: fmt.Errorf("%w: %w", ErrBlock, err)})
			text = text[:bytes.LastIndexByte(text, '\n')+1]
		}
		b := block{at: at, size: int64(len(frame)), plainAt: p.size, plain: int64(len(text)), lines: bytes.Count(text, newline)}
		p.blocks = append(p.blocks, b)
		p.lines += int64(b.lines)
		p.size += b.plain
		return b.plain, err == nil, nil
	}, func(at int64, why error) {
		p.guessed = true
		damage(Damage{File: name, Offset: at, Err: fmt.Errorf("%w: %w", ErrBlock, why)})
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

var (
	newline   = []byte("\n")
	emptyLine = []byte("\n\n")
)

// countLines counts the lines of a file, but for empty ones, between two offsets at the
// first of which one begins. It returns the offset behind the last whole one.
func countLines(f io.ReaderAt, from, to int64) (n, end int64) {
	end = from
	buf := make([]byte, min(chunkBytes, to-from))
	for at := from; at < to; {
		b := buf[:min(int64(len(buf)), to-at)]
		got, err := f.ReadAt(b, at)
		b = b[:got]
		if c := bytes.Count(b, newline); c > 0 {
			n += int64(c)
			if end == at && b[0] == '\n' {
				n-- // empty, as below
			}
			for rest := b; ; {
				i := bytes.Index(rest, emptyLine)
				if i < 0 {
					break
				}
				n--
				rest = rest[i+1:]
			}
			end = at + int64(bytes.LastIndexByte(b, '\n')) + 1
		}
		at += int64(got)
		if err != nil || got == 0 {
			break
		}
		at = max(at, min(nextData(f, at), to))
	}
	return n, end
}

// chunk is a piece of one base's decompressed bytes: whole lines.
type chunk struct {
	base  *followed
	at    int64 // of text's first byte, decompressed
	text  []byte
	jump  int64  // where to go on behind text, after a damaged block; else 0
	lost  int64  // lines that the damage has cost
	where *plain // of base, once it is closed
	buf   []byte
}

// drop forgets what was read of a base.
func (c *chunk) drop(x *followed) {
	if c.base == x {
		*c = chunk{buf: c.buf}
	}
}

// line returns the line at x.read, without its newline and valid until the next call.
// ok is false when there is none by now. skipped is the number of lines that were
// damaged together, which x.read.offset is behind then.
func (c *chunk) line(ctx context.Context, f *feed, x *followed) (text []byte, skipped int64, ok bool) {
	for range 4 { // a file may be closed while it is looked at, or its cursor be wrong
		if c.base == x && x.read.offset >= c.at && x.read.offset < c.at+int64(len(c.text)) {
			rest := c.text[x.read.offset-c.at:]
			if i := bytes.IndexByte(rest, '\n'); i >= 0 {
				return rest[:i], 0, true
			}
			return rest, 0, true // the last line of a block that ends without one
		}
		if c.base == x && c.jump > x.read.offset {
			x.read.offset = c.jump
			skipped, c.jump = c.lost, 0
			return nil, skipped, skipped > 0
		}
		again, skipped, err := c.load(ctx, f, x)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
			f.unreadable(x, err)
		}
		if skipped > 0 {
			return nil, skipped, true
		}
		if err != nil || !again {
			return nil, 0, false
		}
	}
	return nil, 0, false
}

// load reads the piece that x.read is in. again is false when there is none by now.
func (c *chunk) load(ctx context.Context, f *feed, x *followed) (again bool, skipped int64, err error) {
	if c.base != x {
		*c = chunk{base: x, buf: c.buf}
	}
	c.text, c.jump = nil, 0
	if !x.closed {
		again, skipped, err = c.loadOpen(ctx, f, x)
		if !errors.Is(err, fs.ErrNotExist) {
			return again, skipped, err
		}
		x.open, x.closed = false, true // since it was listed
	}
	return c.loadClosed(ctx, f, x)
}

func (c *chunk) loadOpen(ctx context.Context, f *feed, x *followed) (again bool, skipped int64, err error) {
	file, err := f.s.fs.Open(filepath.Join(f.s.dir, x.text+extOpen))
	if err != nil {
		return false, 0, err
	}
	defer func() { _ = file.Close() }()
	size, err := file.Size()
	if err != nil {
		return false, 0, err
	}
	at := x.read.offset
	if x.unproven {
		if at > size || at > 0 && !endsLine(file, at) {
			f.astray(x, size)
			return true, 0, nil
		}
		x.unproven = false
	}
	for want := int64(chunkBytes); ; want *= 4 {
		n := min(want, size-at)
		if n <= 0 {
			return false, 0, nil
		}
		c.grow(n)
		got, err := file.ReadAt(c.buf, at)
		if err != nil && !isEOF(err) {
			return false, 0, err
		}
		b := c.buf[:got]
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			c.at, c.text = at, b[:i+1]
			return true, 0, nil
		}
		if int64(got) < want {
			return false, 0, nil // the last line is being written
		}
		if got > maxJournalLine {
			break
		}
	}
	// No line can be as long as that: it is passed over.
	c.buf = nil
	n, end := firstNewline(untilDone{ctx, file}, at, size)
	if err := ctx.Err(); err != nil || n == 0 {
		return false, 0, err
	}
	f.damage(Damage{File: x.text + extOpen, Offset: at, Lines: 1, Err: fmt.Errorf("%w: %w", ErrLine, errTooLong)})
	x.read.offset = end
	return true, 1, nil
}

func (c *chunk) loadClosed(ctx context.Context, f *feed, x *followed) (again bool, skipped int64, err error) {
	name := x.text + extClosed
	if c.where == nil {
		if c.where, err = f.s.openPlain(ctx, name, f.damage); err != nil {
			return false, 0, err
		}
	}
	m := c.where
	at := x.read.offset
	if m.guessed && !x.guessed {
		x.guessed = true
		if at > 0 {
			f.astray(x, m.size)
			return true, 0, nil
		}
	}
	if x.unproven && at > m.size {
		f.astray(x, m.size)
		return true, 0, nil
	}
	if at >= m.size {
		x.ended = true
		x.lines = x.read.lines // what was counted and is no line, such as a torn one's end
		return false, 0, nil
	}
	var b *block
	for i := range m.blocks {
		if at >= m.blocks[i].plainAt+m.blocks[i].plain {
			continue
		}
		if b = &m.blocks[i]; b.lines > 0 || b.plainAt < x.read.offset || m.guessed || x.unproven {
			break
		}
		// A foreign file may have blocks of nothing but blanks, gigabytes of them.
		x.read.offset = b.plainAt + b.plain
		skipped += int64(b.damaged)
		b = nil
	}
	if skipped > 0 {
		return true, skipped, nil
	}
	if at = x.read.offset; b == nil {
		x.ended = true
		x.lines = x.read.lines
		return false, 0, nil
	}
	file, err := f.s.fs.Open(filepath.Join(f.s.dir, name))
	if err != nil {
		return false, 0, err
	}
	defer func() { _ = file.Close() }()
	end := b.plainAt + b.plain
	var text []byte
	frame := make([]byte, b.size)
	if err = readFull(file, frame, b.at); err == nil {
		text, err = f.s.zstd.DecodeAll(frame, c.buf[:0])
		if cap(text) <= 8*blockTarget {
			c.buf = text[:0]
		}
		if err == nil && int64(len(text)) != b.plain {
			err = fmt.Errorf("it has %d bytes, the index says %d", len(text), b.plain)
		}
	}
	if err != nil {
		// What was decoded until there is good as far as its checksums are.
		text = text[:bytes.LastIndexByte(text[:min(int64(len(text)), b.plain)], '\n')+1]
		good := int64(bytes.Count(text, newline))
		c.jump, c.lost = end, max(0, int64(b.lines+b.damaged)-good)
		f.damage(Damage{File: name, Offset: b.at, Lines: int(c.lost), Err: fmt.Errorf("%w: %w", ErrBlock, err)})
	}
	c.at, c.text = b.plainAt, text
	if x.unproven {
		if i := at - c.at; i > 0 && i <= int64(len(text)) && text[i-1] != '\n' {
			f.astray(x, m.size)
			return true, 0, nil
		}
		x.unproven = false
	}
	return true, 0, nil
}

func (c *chunk) grow(n int64) {
	if int64(cap(c.buf)) < n {
		c.buf = make([]byte, n)
	}
	c.buf = c.buf[:n]
}

// endsLine reports whether a line ends before an offset.
func endsLine(f io.ReaderAt, at int64) bool {
	var b [1]byte
	n, _ := f.ReadAt(b[:], at-1)
	return n == 1 && b[0] == '\n'
}

// firstNewline returns 1 and the offset behind the first newline, or 0.
func firstNewline(f io.ReaderAt, at, size int64) (n int, end int64) {
	buf := make([]byte, chunkBytes)
	for at < size {
		got, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if i := bytes.IndexByte(buf[:got], '\n'); i >= 0 {
			return 1, at + int64(i) + 1
		}
		at += int64(got)
		if err != nil || got == 0 {
			break
		}
		at = max(at, min(nextData(f, at), size))
	}
	return 0, at
}

// astray: a cursor points to where no line begins. The base begins again.
func (f *feed) astray(x *followed, size int64) {
	f.s.opts.OnError(fmt.Errorf("%w: it points to byte %d of %s, which has %d and no line that begins there; shipping to %s begins the file again",
		ErrCursor, x.read.offset, x.text, size, f.name))
	x.read, x.settled, x.unproven, x.uncounted = position{}, position{}, false, false
	x.lines, x.counted, x.final, x.ended = 0, 0, false, false
	f.dirty = true
}
