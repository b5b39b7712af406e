package middleware

import (
	"errors"
	"io"
	"net/http"

	"github.com/txtrail/txtrail/internal/capture"
)

// readFrom hands src to the inner writer, which sends a file without copying it
// through us.
func (w *writer) readFrom(src io.Reader) (n int64, err error) {
	ex, inner := (*exchange)(w), w.w.(io.ReaderFrom)
	ex.mu.Lock()
	implied := ex.status == 0
	ex.mu.Unlock()
	if implied {
		defer func() { // also where src panics
			if n == 0 && !errors.Is(err, http.ErrContentLength) {
				ex.takeBack()
			}
		}()
	}
	if kernelCopied(src) {
		return ex.readFile(inner, src)
	}
	return ex.readTee(inner, src)
}

// readFile is readFrom for what the kernel may send. A file is described, and its first
// bytes are kept where it is text.
func (ex *exchange) readFile(inner io.ReaderFrom, src io.Reader) (int64, error) {
	if !ex.writing(serverBuffers + 1) {
		return inner.ReadFrom(src)
	}
	res := &ex.rec.res
	peeked := 0
	if res.Wants() {
		if textType(ex.rec.Response.Body.Type) {
			peeked = ex.peekFile(src)
		}
		res.Stop()
		res.file = true
	}
	ex.mu.Unlock()

	n, err := inner.ReadFrom(src)
	failed := err != nil && connFailed(src, err)

	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.done {
		return n, err
	}
	if over := int64(peeked) - n; over > 0 {
		res.Undo(int(over))
	} else {
		res.Size -= over
	}
	if failed {
		ex.writeFailed(err)
	}
	return n, err
}

// readTee is readFrom for anything else, which is looked at as the inner writer reads it,
// also where nothing of it is kept: an error may be the source's, and that is the
// handler's to report.
func (ex *exchange) readTee(inner io.ReaderFrom, src io.Reader) (int64, error) {
	if !ex.writing(0) {
		return inner.ReadFrom(src)
	}
	ex.mu.Unlock()
	t := &tee{src: src, ex: ex}
	n, err := inner.ReadFrom(t)
	if err != nil {
		cause := err
		if t.failed {
			cause = nil
		}
		ex.wrote(t.read, n, cause)
	}
	return n, err
}

// tee captures what the inner writer's ReadFrom reads.
type tee struct {
	src    io.Reader
	ex     *exchange
	read   int64
	failed bool // the source did
}

// Read implements [io.Reader].
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	if n > 0 && n <= len(p) {
		t.read += int64(n)
		if t.ex.writing(n) {
			capture.Add(&t.ex.rec.res.Body, t.ex.pool, p[:n], firstBuffer)
			t.ex.mu.Unlock()
		}
	}
	if err != nil && err != io.EOF {
		t.failed = true
	}
	return n, err
}
