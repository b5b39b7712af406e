package journalsink

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Without its index a closed file is read frame by frame. A frame says nothing of
// its compressed length, so the headers of its blocks are followed (RFC 8878,
// section 3.1.1.2).

const (
	zstdMagic = 0xFD2FB528
	skipMagic = 0x184D2A50 // and the fifteen above it
	// maxFrame bounds one frame's compressed size: a line of the longest kind
	// that does not compress.
	maxFrame = int64(maxJournalLine) + 1<<20
	// maxFrameBlocks bounds the headers that are followed: 128 KiB each, with
	// room to spare. It keeps hostile files from making us walk in circles.
	maxFrameBlocks = 1024
)

var (
	errFrame   = errors.New("no whole frame")
	errNoFrame = errors.New("no frame begins here")
	errRest    = errors.New("no journal writes such a file; the rest of it is not read")
)

// window reads a file through a buffer, at any offset.
type window struct {
	f    io.ReaderAt
	size int64
	at   int64
	buf  []byte
	err  error
	read int64 // bytes, over and over
	hops int64 // headers of blocks that were followed
}

// spent reports whether more was read than any damage makes necessary: somebody has made
// a file to keep us busy.
func (w *window) spent() bool { return w.read > 8*w.size+64<<20 || w.hops > w.size/8+1<<16 }

// bytes returns up to n bytes at an offset; fewer only at the end of the file, or
// when reading fails, which w.err keeps.
func (w *window) bytes(at int64, n int) []byte {
	if at >= w.size {
		return nil
	}
	n = int(min(int64(n), w.size-at))
	if at < w.at || at+int64(n) > w.at+int64(len(w.buf)) {
		want := int(min(int64(max(n, 256<<10)), w.size-at))
		if cap(w.buf) < want {
			w.buf = make([]byte, want)
		}
		got, err := w.f.ReadAt(w.buf[:want], at)
		w.at, w.buf = at, w.buf[:got]
		w.read += int64(got)
		if err != nil && !isEOF(err) {
			w.err = err
		}
		n = min(n, got)
	}
	return w.buf[at-w.at:][:n]
}

// frameAt returns the length of the frame at an offset, and whether it is one to be
// skipped.
func (w *window) frameAt(at int64) (size int64, skip bool, err error) {
	var h zstd.Header
	head := w.bytes(at, zstd.HeaderMaxSize)
	if err := h.Decode(head); err != nil {
		return 0, false, err
	}
	if h.Skippable {
		size = int64(h.HeaderSize) + int64(h.SkippableSize)
		if at+size > w.size {
			return 0, true, errFrame
		}
		return size, true, nil
	}
	size = int64(h.HeaderSize)
	for range maxFrameBlocks {
		w.hops++
		b := w.bytes(at+size, 3)
		if len(b) < 3 {
			return 0, false, errFrame
		}
		v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size += 3
		switch v >> 1 & 3 {
		case 0, 2: // raw, compressed
			size += int64(v >> 3)
		case 1: // one byte, repeated
			size++
		default:
			return 0, false, errFrame
		}
		if size > maxFrame {
			return 0, false, errFrame
		}
		if v&1 == 1 {
			if h.HasCheckSum {
				size += 4
			}
			if at+size > w.size {
				return 0, false, errFrame
			}
			return size, false, nil
		}
	}
	return 0, false, errFrame
}

// resync returns the offset of the next magic at or behind at, or the file's size.
func (w *window) resync(at int64) int64 {
	for at < w.size && w.err == nil {
		b := w.bytes(at, 64<<10)
		if i := nextMagic(b); i >= 0 {
			return at + int64(i)
		}
		if len(b) < 4 {
			break
		}
		at += int64(len(b) - 3)
		// No magic has a zero in it, so none begins in a hole.
		at = max(at, min(nextData(w.f, at), w.size))
	}
	return w.size
}

// nextMagic returns where a frame may begin, -1 if nowhere.
func nextMagic(b []byte) int {
	first := bytes.Index(b, []byte{zstdMagic & 0xff, zstdMagic >> 8 & 0xff, zstdMagic >> 16 & 0xff, zstdMagic >> 24})
	if first >= 0 {
		b = b[:first]
	}
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte{skipMagic >> 8 & 0xff, skipMagic >> 16 & 0xff, skipMagic >> 24})
		if i < 0 {
			return first
		}
		if at += i; at > 0 && b[at-1]&0xf0 == skipMagic&0xf0 {
			return at - 1
		}
		at++
	}
}

// frames goes over the frames of a file without an index. use decodes one, and returns
// how many bytes it had and whether it was whole; bad is told where something begins that
// is none, and where the rest is given up.
func frames(f io.ReaderAt, size int64, use func(at int64, frame []byte) (plain int64, ok bool, err error), bad func(at int64, why error)) error {
	w := &window{f: f, size: size}
	lost := int64(-1)
	total := int64(0)
	for at := int64(0); at < size; {
		if w.spent() || total > maxPlain {
			bad(at, errRest)
			return nil
		}
		n, skip, err := w.frameAt(at)
		ok := err == nil
		if ok && !skip {
			var plain int64
			if plain, ok, err = use(at, w.bytes(at, int(n))); err != nil {
				return err
			}
			total += plain
			if !ok {
				lost = at // told by use
			}
		}
		if ok {
			lost = -1
			at += n
			continue
		}
		if w.err != nil {
			return w.err
		}
		if lost < 0 {
			bad(at, errNoFrame)
			lost = at
		}
		at = w.resync(at + 1)
	}
	return w.err
}
