package middleware

import (
	"io"
	"net/http"
	"reflect"

	"github.com/txtrail/txtrail/internal/capture"
)

// readFrom hands src to the inner writer, which sends a file without copying it
// through us.
//
// A copy implies the answer 200, and when is the inner writer's to say. The server's own
// answers when src has given its first byte: until then it does not look at the headers,
// and whoever fills src may set them, or a status. Other writers answer before they read,
// as wrappers do that have a WriteHeader to call.
func (w *writer) readFrom(src io.Reader) (n int64, err error) {
	ex, inner := (*exchange)(w), w.w.(io.ReaderFrom)
	ex.mu.Lock()
	open := ex.status == 0 && !ex.done
	ex.mu.Unlock()
	kernel := kernelCopied(src)
	server := open && ex.byServer(w.w)
	if open && (kernel || !server) {
		// What the kernel sends can not be looked at, and another writer may answer before
		// it reads: the answer is noted before, and taken back where nothing came.
		ex.mu.Lock()
		ex.implied = true
		ex.mu.Unlock()
		defer func() { // also where src panics
			// bare; another's error is not to be asked
			ex.copied(n != 0 || err == http.ErrContentLength || !server && answered(w.w))
		}()
	}
	if !kernel {
		return ex.readTee(inner, src, server)
	}
	return ex.readFile(inner, src)
}

// answered reports whether somebody's writer, or one within, says that it has answered: chi's
// and Prometheus's do so before they read, httpsnoop's, by which OpenTelemetry wraps, never.
func answered(w http.ResponseWriter) bool {
	for range maxWrapped {
		if s, ok := w.(interface{ Status() int }); ok && s.Status() != 0 {
			return true
		}
		u, ok := w.(unwrapper)
		if !ok {
			return false
		}
		w = u.Unwrap()
	}
	return false
}

// byServer reports whether w is the one that net/http's server makes for HTTP/1; over
// HTTP/2 there is no ReadFrom.
func (c *config) byServer(w http.ResponseWriter) bool {
	t := reflect.TypeOf(w)
	if is, ok := c.writers.Load(t); ok {
		return is == true
	}
	is := t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "net/http" && t.Elem().Name() == "response"
	c.writers.Store(t, is)
	return is
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
// handler's to report. Open says that the first byte is the answer.
func (ex *exchange) readTee(inner io.ReaderFrom, src io.Reader, open bool) (int64, error) {
	if !open {
		if !ex.writing(0) {
			return inner.ReadFrom(src)
		}
		ex.mu.Unlock()
	}
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
