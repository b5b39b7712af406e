package render

import (
	"bytes"
	"io"
)

// TerminalWriter escapes what is written through it, line by line, for output that
// is data in a pipe and would be obeyed on a terminal. Close writes a last line
// that has no end. It is used by one goroutine.
type TerminalWriter struct {
	w    io.Writer
	rest []byte
}

// NewTerminalWriter returns a TerminalWriter on w.
func NewTerminalWriter(w io.Writer) *TerminalWriter { return &TerminalWriter{w: w} }

// maxTerminalLine is how much of a line is held until its end comes, in bytes.
const maxTerminalLine = 64 << 10

// Write implements [io.Writer].
func (t *TerminalWriter) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	if bytes.IndexByte(p, '\n') < 0 && len(t.rest) <= maxTerminalLine {
		return len(p), nil
	}
	var out []byte
	rest := t.rest
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		out = append(append(out, escape(string(rest[:i]), true)...), '\n')
		rest = rest[i+1:]
	}
	if len(rest) > maxTerminalLine {
		// Cut where no rune is torn: at the last byte that begins one.
		n := len(rest) - 1
		for n > len(rest)-4 && rest[n]&0xc0 == 0x80 {
			n--
		}
		out = append(out, escape(string(rest[:n]), true)...)
		rest = rest[n:]
	}
	t.rest = append(t.rest[:0], rest...)
	if _, err := t.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what is left. It does not close the writer below.
func (t *TerminalWriter) Close() error {
	if len(t.rest) == 0 {
		return nil
	}
	out := escape(string(t.rest), true)
	t.rest = nil
	_, err := io.WriteString(t.w, out)
	return err
}
