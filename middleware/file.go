package middleware

import (
	"io"
	"os"
	"syscall"
)

// fileFirst is how many bytes are shown of a text file that the kernel sends, at
// most: whoever looks it up has the file.
const fileFirst = 4 << 10

// kernelCopied reports whether src is something that the kernel may send to a
// socket by itself, under the LimitedReader that io.CopyN makes: a file or another
// socket.
func kernelCopied(src io.Reader) bool {
	if l, ok := src.(*io.LimitedReader); ok {
		src = l.R
	}
	_, ok := src.(syscall.Conn)
	return ok
}

// peekFile adds the first bytes of what src is about to give to c, where src is a
// regular file. They are read at their place, so that the file's own position stays
// and the kernel sends it as it would have. It returns how many there were.
func (c *capture) peekFile(ex *exchange, src io.Reader) int {
	limit := int64(min(c.limit-len(c.buf), fileFirst))
	if l, ok := src.(*io.LimitedReader); ok {
		src, limit = l.R, min(limit, l.N)
	}
	f, ok := src.(*os.File)
	if !ok || limit <= 0 {
		return 0
	}
	// Reading ahead from what is not a file could wait, or take what is not given
	// back.
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	b := c.grow(ex.pool, int(limit))
	n, _ := f.ReadAt(b[len(b):len(b)+int(limit)], at)
	c.buf = b[:len(b)+n]
	return n
}
