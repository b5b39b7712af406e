package middleware

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// writer is an exchange as the handler's response writer. Everything is passed on
// at once; what has been passed on is captured. See wrap for its interfaces.
type writer exchange

// Header implements [http.ResponseWriter].
func (w *writer) Header() http.Header { return w.w.Header() }

// Unwrap is what [http.ResponseController] reaches deadlines and full duplex by.
func (w *writer) Unwrap() http.ResponseWriter { return w.w }

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	// 1xx are not the answer, but 101 is. What is no status at all panics below, as
	// it does without us.
	if status == http.StatusSwitchingProtocols || status >= 200 && status <= 999 {
		(*exchange)(w).answer(status)
	}
	w.w.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	if (*exchange)(w).writing() {
		w.res.add(w.pool, p)
		w.mu.Unlock()
	}
	n, err := w.w.Write(p)
	if err != nil || n != len(p) {
		(*exchange)(w).wrote(len(p), n, err)
	}
	return n, err
}

// WriteString implements [io.StringWriter].
func (w *writer) WriteString(s string) (int, error) {
	if (*exchange)(w).writing() {
		w.res.addString(w.pool, s)
		w.mu.Unlock()
	}
	n, err := io.WriteString(w.w, s)
	if err != nil || n != len(s) {
		(*exchange)(w).wrote(len(s), n, err)
	}
	return n, err
}

// writing prepares for a write. True means that it is to be captured: the lock is
// held then.
func (ex *exchange) writing() bool {
	ex.mu.Lock()
	if ex.status == 0 && !ex.done {
		ex.mu.Unlock()
		ex.answer(http.StatusOK)
		ex.mu.Lock()
	}
	if ex.done {
		ex.mu.Unlock()
		ex.usedLate()
		return false
	}
	if ex.writer.flushed {
		ex.writer.streamed = true
	}
	if ex.rec == nil {
		ex.mu.Unlock()
		return false
	}
	return true
}

// wrote corrects what writing assumed: of want bytes only n went out.
func (ex *exchange) wrote(want, n int, err error) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.done || ex.rec == nil {
		return
	}
	if n >= 0 && n < want {
		ex.res.undo(want - n)
	}
	ex.writeFailed(err)
}

func (ex *exchange) writeFailed(err error) {
	if err != nil && ex.writer.failed == nil && !errors.Is(err, http.ErrBodyNotAllowed) &&
		!errors.Is(err, http.ErrContentLength) && !errors.Is(err, http.ErrHijacked) {
		ex.writer.failed = err
	}
}

// readFrom hands src to the inner writer, which sends a file without copying it
// through us. A file is described and not captured; anything else is looked at as
// the inner writer reads it.
func (w *writer) readFrom(src io.Reader) (int64, error) {
	inner := w.w.(io.ReaderFrom)
	if !(*exchange)(w).writing() {
		return inner.ReadFrom(src)
	}
	capturing := w.res.limit > 0
	direct := !capturing || kernelCopied(src)
	if direct && capturing {
		w.res.reason = reasonFile
	}
	w.mu.Unlock()

	var n int64
	var err error
	if direct {
		n, err = inner.ReadFrom(src)
	} else {
		n, err = inner.ReadFrom(&tee{src, (*exchange)(w)})
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		if direct {
			w.res.size += n
			if w.res.reason == reasonFile {
				w.res.limit = 0
			}
		}
		// The error may as well be the source's. That is the handler's to report.
		if direct && err != nil && errors.Is(err, syscall.EPIPE) {
			(*exchange)(w).writeFailed(err)
		}
	}
	return n, err
}

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

// tee captures what the inner writer's ReadFrom reads.
type tee struct {
	src io.Reader
	ex  *exchange
}

// Read implements [io.Reader].
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	if n > 0 && n <= len(p) && t.ex.writing() {
		t.ex.res.add(t.ex.pool, p[:n])
		t.ex.mu.Unlock()
	}
	return n, err
}

func (w *writer) flush() error {
	ex := (*exchange)(w)
	ex.mu.Lock()
	if ex.status == 0 && !ex.done {
		ex.mu.Unlock()
		ex.answer(http.StatusOK) // as the inner one is about to
		ex.mu.Lock()
	}
	ex.writer.flushed = true
	late := ex.done
	ex.mu.Unlock()
	if late {
		ex.usedLate()
	}
	if f, ok := w.w.(flushErrorer); ok {
		err := f.FlushError()
		if err != nil {
			ex.mu.Lock()
			if !ex.done {
				ex.writeFailed(err)
			}
			ex.mu.Unlock()
		}
		return err
	}
	w.w.(http.Flusher).Flush()
	return nil
}

func (w *writer) push(target string, opts *http.PushOptions) error {
	return w.w.(http.Pusher).Push(target, opts)
}

func (w *writer) closeNotify() <-chan bool {
	return w.w.(closeNotifier).CloseNotify()
}

func (w *writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.w.(http.Hijacker).Hijack()
	if err != nil {
		return conn, rw, err
	}
	ex := (*exchange)(w)
	if s := ex.hijacked(); s != nil {
		conn = s.watch(conn, rw)
	}
	return conn, rw, nil
}

// answer notes the final status: here and nowhere else the ID is put into the
// response, so that no 1xx carries it, and the headers are recorded as they are
// sent. It does so once, and not after the handler has returned.
func (ex *exchange) answer(status int) {
	url := ""
	if status >= 400 && ex.ErrorLink != nil {
		url = ex.link(ex.ctx.Scope.ID)
	}
	over := ex.overLimit(status)
	h := ex.w.Header()

	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.status != 0 || ex.done {
		return
	}
	ex.status = status
	if over {
		h.Set("Connection", "close")
	}
	if url != "" && h[HeaderErrorLink] == nil {
		h[HeaderErrorLink] = []string{url}
	}
	if ex.ReturnID != ReturnNever && len(h[ex.header]) == 0 {
		if ex.ReturnID == ReturnAlways || !txid.SharedCacheable(status, h) {
			h[ex.header] = []string{string(ex.ctx.Scope.ID)}
		}
	}
	ex.writer.firstByte = ex.since(ex.start)
	ex.writer.declared = -1
	rec := ex.rec
	if rec == nil {
		return
	}
	rec.Response.Headers = appendHeaders(ex.roomForFields(), h)
	rec.Response.Body.Type = first(h, "Content-Type")
	rec.Response.Body.ContentEncoding = first(h, "Content-Encoding")
	rec.HTTP.CacheHit = txid.FromCache(h)
	ex.writer.fields = len(h)
	ex.writer.trailer = len(h["Trailer"]) > 0
	if v := first(h, "Content-Length"); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
			ex.writer.declared = n
		}
	}
	limit := ex.MaxBody
	if rec.HTTP.Method == http.MethodHead {
		limit = 0 // what is written goes nowhere
	}
	ex.res.begin(limit, rec.Response.Body.Type, ex.writer.declared)
}

// roomForFields returns what the request's headers have left of the record's room.
func (ex *exchange) roomForFields() []entry.Header {
	n := len(ex.rec.Request.Headers)
	if n >= len(ex.rec.fields) {
		return nil
	}
	ex.rec.Request.Headers = ex.rec.Request.Headers[:n:n]
	return ex.rec.fields[n:n]
}
