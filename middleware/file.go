package middleware

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/txtrail/txtrail/internal/capture"
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

// connFailed reports whether err, with which a copy from src by the kernel ended, is the
// connection's and not the source's: the kernel's number alone does not say whose it is.
// Where src is a regular file, those count that no file has (one on a network may time out,
// which is taken for the connection's); of others only EPIPE is known not to come from
// reading.
func connFailed(src io.Reader, err error) bool {
	if ofFile(err) {
		return false
	}
	if isErr(err, syscall.EPIPE) {
		return true
	}
	if !regular(src) {
		return false
	}
	if isErr(err, os.ErrDeadlineExceeded) || isErr(err, net.ErrClosed) {
		return true
	}
	for _, no := range errnoConn {
		if isErr(err, no) {
			return true
		}
	}
	return false
}

// ofFile reports whether err tells of a file, or can not be asked: see isErr.
func ofFile(err error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	var file *fs.PathError
	return errors.As(err, &file)
}

// regular reports whether src is a regular file: an [*os.File], or what its WriteTo makes
// of it for [io.Copy].
func regular(src io.Reader) bool {
	if l, ok := src.(*io.LimitedReader); ok {
		src = l.R
	}
	f, ok := src.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info != nil && info.Mode().IsRegular()
}

// peekFile captures the first bytes of what src is about to give, where src is a
// regular file. They are read at their place, so that the file's own position stays
// and the kernel sends it as it would have. It returns how many there were. The lock
// is held, and the exchange recorded.
func (ex *exchange) peekFile(src io.Reader) int {
	limit := int64(min(ex.rec.res.Room(), fileFirst))
	if l, ok := src.(*io.LimitedReader); ok {
		src, limit = l.R, min(limit, l.N)
	}
	f, ok := src.(interface { // see regular
		io.Seeker
		io.ReaderAt
	})
	// Reading ahead from what is not a file could wait, or take what is not given
	// back.
	if !ok || limit <= 0 || !regular(src) {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	b := ex.pool.Get(int(limit))
	n, _ := f.ReadAt(b[:limit], at)
	capture.Add(&ex.rec.res.Body, ex.pool, b[:n], n)
	ex.pool.Put(b)
	return n
}

// textType reports whether a body of this content type is known to be text: it says
// no to what it does not know.
func textType(ct string) bool {
	if i := strings.IndexByte(ct, ';'); i >= 0 {
		ct = ct[:i]
	}
	major, minor, ok := strings.Cut(strings.TrimSpace(ct), "/")
	if !ok {
		return false
	}
	if strings.EqualFold(major, "text") {
		return true
	}
	if i := strings.LastIndexByte(minor, '+'); i >= 0 {
		minor = minor[i+1:]
	}
	for _, t := range [...]string{"json", "xml", "javascript", "yaml", "x-yaml", "ndjson", "x-ndjson", "jsonl", "sql", "graphql"} {
		if strings.EqualFold(minor, t) {
			return true
		}
	}
	return false
}
