package middleware

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"

	"github.com/txtrail/txtrail/internal/capture"
)

// writer is an exchange as the handler's response writer. Everything is passed on
// at once; what has been passed on is captured. See wrap for its interfaces.
type writer exchange

// Header implements [http.ResponseWriter].
func (w *writer) Header() http.Header { return w.w.Header() }

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	// 1xx are not the answer, but 101 is. What is no status at all panics below, as
	// it does without us.
	if status == http.StatusSwitchingProtocols || status >= 200 && status <= 999 {
		w.mu.Lock()
		late := w.done
		(*exchange)(w).given(status)
		w.mu.Unlock()
		if late {
			(*exchange)(w).usedLate()
		}
	}
	w.w.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	if (*exchange)(w).writing(len(p)) {
		capture.Add(&w.rec.res.Body, w.pool, p, firstBuffer)
		w.mu.Unlock()
	}
	n, err := w.w.Write(p)
	if err != nil || n != len(p) {
		(*exchange)(w).wrote(int64(len(p)), int64(n), err)
	}
	return n, err
}

// WriteString implements [io.StringWriter].
func (w *writer) WriteString(s string) (int, error) {
	if (*exchange)(w).writing(len(s)) {
		capture.Add(&w.rec.res.Body, w.pool, s, firstBuffer)
		w.mu.Unlock()
	}
	n, err := io.WriteString(w.w, s)
	if err != nil || n != len(s) {
		(*exchange)(w).wrote(int64(len(s)), int64(n), err)
	}
	return n, err
}

// serverBuffers is what net/http's server holds back of an unflushed response, in
// bytes: a first write may stay that long before the client sees anything.
const serverBuffers = 2 << 10

// writing prepares for a write of n bytes. True means that it is to be captured:
// the lock is held then.
func (ex *exchange) writing(n int) bool {
	ex.mu.Lock()
	if ex.done {
		ex.mu.Unlock()
		ex.usedLate()
		return false
	}
	if ex.status == 0 {
		ex.answer(http.StatusOK) // as the inner writer is about to
	}
	if ex.rec == nil {
		ex.mu.Unlock()
		return false
	}
	out := &ex.rec.out
	if out.flushed {
		out.streamed = true
	}
	if out.firstByte == 0 && ex.rec.res.Size+int64(n) > serverBuffers {
		out.firstByte = ex.since(ex.start)
	}
	return true
}

// wrote corrects what writing assumed: of want bytes only n went out.
func (ex *exchange) wrote(want, n int64, err error) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.done || ex.rec == nil {
		return
	}
	if n >= 0 && n < want {
		ex.rec.res.Undo(int(want - n))
	}
	ex.writeFailed(err)
}

func (ex *exchange) writeFailed(err error) {
	if err != nil && ex.rec != nil && ex.rec.out.failed == nil && !slices.Contains(refusals[:], err) {
		ex.rec.out.failed = err
	}
}

func (w *writer) flush() error {
	ex := (*exchange)(w)
	ex.mu.Lock()
	late := ex.done
	if !late {
		if ex.status == 0 {
			ex.answer(http.StatusOK)
		}
		if rec := ex.rec; rec != nil {
			rec.out.flushed = true
			if n := rec.res.Size; n > rec.out.flushedAt {
				rec.out.chunks++
				rec.out.flushedAt = n
			}
			if rec.out.firstByte == 0 {
				rec.out.firstByte = ex.since(ex.start)
			}
		}
	}
	ex.mu.Unlock()
	if late {
		ex.usedLate()
	}
	var err error
	switch f := w.w.(type) {
	case flushErrorer:
		err = f.FlushError()
	case http.Flusher:
		f.Flush()
	default: // see Unwrap
		err = http.NewResponseController(w.w).Flush()
	}
	if err != nil {
		ex.mu.Lock()
		if !ex.done {
			ex.writeFailed(err)
		}
		ex.mu.Unlock()
	}
	return err
}

func (w *writer) push(target string, opts *http.PushOptions) error {
	return w.w.(http.Pusher).Push(target, opts)
}

func (w *writer) closeNotify() <-chan bool {
	return w.w.(closeNotifier).CloseNotify()
}

func (w *writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.w).Hijack() // the inner one is, or has one within: see Unwrap
	if err != nil {
		return conn, rw, err
	}
	ex := (*exchange)(w)
	if s := ex.hijacked(); s != nil {
		conn = ex.watch(s, conn, rw)
	}
	return conn, rw, nil
}
