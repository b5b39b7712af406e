package journalsink

import (
	"bytes"
	"errors"
	"io"
)

// rawLine is a line as it stands in a file.
type rawLine struct {
	at   int64  // offset of its first byte
	size int64  // without the newline; more than len(text) for one that is too long
	text []byte // valid until the next line is read; nil for one that is too long
	open bool   // there was no newline: the file's last line
}

// lineReader splits a stream into lines. Its memory is bounded by the longest line
// there can be; what is longer is skipped, not kept.
type lineReader struct {
	r     io.Reader
	at    int64 // offset of buf[start]
	buf   []byte
	start int
	end   int
	err   error // what r ended with

	file    io.ReaderAt       // what r is a part of; nil: something else
	section *io.SectionReader // r
}

// firstBuf is the buffer's size, unless there is less to read or a line is longer.
const firstBuf = 256 << 10

// newLineReader reads lines from r, whose first byte is at offset at of the file and
// which has about size bytes.
func newLineReader(r io.Reader, at, size int64) *lineReader {
	return &lineReader{r: r, at: at, buf: make([]byte, max(512, min(size+1, firstBuf)))}
}

// newFileLines reads the lines of a file between two offsets, at the first of which one
// begins. In a line that is too long it passes over holes.
func newFileLines(f io.ReaderAt, from, to int64) *lineReader {
	section := io.NewSectionReader(f, from, to-from)
	l := newLineReader(section, from, to-from)
	l.file, l.section = f, section
	return l
}

// passHole goes on behind the hole of a file that begins where the next reading would,
// and returns how many bytes that is.
func (l *lineReader) passHole() int64 {
	if l.file == nil {
		return 0
	}
	_, begin, n := l.section.Outer()
	next := min(nextData(l.file, l.at), begin+n)
	if next <= l.at {
		return 0
	}
	if _, err := l.section.Seek(next-begin, io.SeekStart); err != nil {
		return 0
	}
	return next - l.at
}

// next returns the next line, or io.EOF, or what reading failed with.
func (l *lineReader) next() (rawLine, error) {
	searched := l.start
	var skipped int64
	for {
		if i := bytes.IndexByte(l.buf[searched:l.end], '\n'); i >= 0 {
			text := l.buf[l.start : searched+i]
			line := rawLine{at: l.at, size: int64(len(text)), text: text}
			l.start = searched + i + 1
			l.at += line.size + 1
			if skipped > 0 {
				line.at -= skipped
				line.size += skipped
				line.text = nil
			}
			return line, nil
		}
		if l.err != nil {
			if l.start == l.end && skipped == 0 {
				return rawLine{}, l.err
			}
			text := l.buf[l.start:l.end]
			line := rawLine{at: l.at - skipped, size: int64(len(text)) + skipped, text: text, open: true}
			if skipped > 0 {
				line.text = nil
			}
			l.at += int64(len(text))
			l.start = l.end
			return line, nil
		}
		searched = l.end
		switch {
		case l.start > 0:
			n := copy(l.buf, l.buf[l.start:l.end])
			searched -= l.start
			l.start, l.end = 0, n
		case l.end < len(l.buf):
		case len(l.buf) > maxJournalLine:
			skipped += int64(l.end)
			l.at += int64(l.end)
			l.end, searched = 0, 0
			hole := l.passHole()
			skipped += hole
			l.at += hole
		default:
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if err == nil && n == 0 {
			err = io.ErrNoProgress
		}
		l.err = err
	}
}

// blank reports whether a line is a damaged one whose place was kept, or the empty
// rest of a fence: nothing but spaces.
func blank(text []byte) bool {
	for _, c := range text {
		if c != ' ' {
			return false
		}
	}
	return true
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
