package middleware

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

const goexitText = "the handler's goroutine was ended by runtime.Goexit"

// outcome is how the handler ended; the zero value is a return.
type outcome struct {
	value  any // of a panic
	stack  string
	goexit bool
	why    string // see describe
}

func (o *outcome) panicked() bool { return o.value != nil && o.value != http.ErrAbortHandler }

// describe asks the value of a panic what it says. It is somebody else's, who may log
// with the request's context: nothing is locked.
func (o *outcome) describe() {
	if o.panicked() {
		name, text := describe(o.value)
		o.why = name + ": " + text
	}
}

// stack returns where v was panicked, or "" for an abort, which is no fault.
func stack(v any) string {
	if v == http.ErrAbortHandler {
		return ""
	}
	b := make([]byte, entry.MaxStack)
	return string(b[:runtime.Stack(b, false)])
}

// finish ends the recording when the handler has ended, and enqueues the entry.
// The client may be waiting for the end of the response: nothing else is done here.
func (ex *exchange) finish(o outcome) {
	took := ex.since(ex.start)
	o.describe()
	var b breakage
	b.ctx.is(ex.req.Context().Err(), context.DeadlineExceeded)
	ex.mu.Lock()
	ex.handBack()
	if ex.returned {
		// A handler that wrote nothing has answered 200; the server sends it after us.
		ex.answer(http.StatusOK)
	}
	ex.broken(&b)
	rec := ex.rec
	if rec == nil {
		ex.done = true
		slot, gaveConn, told := ex.flight, ex.gaveConn, ex.recovered
		ex.flight = nil
		ex.mu.Unlock()
		// One that was recovered, told and raised again is told once.
		if gaveConn && (o.goexit || o.panicked() && (told == nil || told.why != o.why)) {
			ex.crashed(&o)
		}
		ex.ended(slot)
		return
	}
	ex.conclude(rec, took, &o, &b)
	slot, outside := ex.flight, rec.detached
	ex.flight = nil
	ex.mu.Unlock()
	ex.emit(&rec.Entry)
	ex.ended(slot)
	outside.End()
}

// handBack puts on the server's request what the handler has put on the copy. The
// lock is held.
func (ex *exchange) handBack() {
	if ex.own == nil {
		return
	}
	// The server removes the temporary files of the form of its own request, and
	// a middleware around us may ask which pattern matched.
	if f := ex.own.MultipartForm; f != nil && ex.req.MultipartForm == nil {
		ex.req.MultipartForm = f
	}
	if p := ex.own.Pattern; p != "" && ex.req.Pattern == "" {
		ex.req.Pattern = p
	}
}

// letGo forgets the handler's copy of the request, which would stay as long as a
// hijacked connection lives. The lock is held.
func (ex *exchange) letGo() {
	ex.handBack()
	ex.routeOf()
	ex.own = nil
}

// hijacked ends the recording when the handler takes the connection, which may
// live for hours: the entry goes out and its memory with it. It returns the
// connection's stream, or nil for an exchange that is not recorded.
func (ex *exchange) hijacked() *stream {
	var s *stream
	// In a goroutine of its own: the stack that this takes would stay with the
	// handler's, 4 KiB for each idle WebSocket.
	done := make(chan struct{})
	go func() {
		defer close(done)
		s = ex.concludeHijack()
	}()
	<-done
	return s
}

// concludeHijack returns nil for an exchange that is not recorded.
func (ex *exchange) concludeHijack() *stream {
	took := ex.since(ex.start)
	ex.mu.Lock()
	ex.gaveConn = true
	rec := ex.rec
	if rec == nil {
		ex.done = true
		ex.letGo()
		ex.mu.Unlock()
		return nil
	}
	rec.Flags = append(rec.Flags, entry.FlagHijacked)
	ex.conclude(rec, took, &outcome{}, &breakage{})
	s := newStream(ex, rec)
	ex.letGo()
	ex.mu.Unlock()
	ex.emit(&rec.Entry)
	return s
}

// conclude fills in what is known at the end, and detaches everything from the
// handler. The lock is held.
func (ex *exchange) conclude(rec *record, took time.Duration, o *outcome, b *breakage) {
	e, s := &rec.Entry, &ex.ctx.Scope
	ex.rec, ex.done = nil, true
	panicked := o
	if ex.recovered != nil && !o.panicked() {
		panicked = ex.recovered // the exchange itself ended as o says
	}

	e.Kind = entry.KindServer
	e.Time = ex.start.UTC()
	e.TxID, e.Origin, e.Refused, e.Trace = s.ID, s.Origin, s.Refused, s.Trace
	e.Span, e.Parent = s.Span, s.Parent
	e.HTTP.Status = int(ex.status)
	e.HTTP.Route = ex.routeOf()
	e.Latency = took
	e.Timings.Handler = took
	if e.Timings.FirstByte = rec.out.firstByte; e.Timings.FirstByte == 0 && ex.status != 0 {
		e.Timings.FirstByte = took // all of it is in the server's buffers
	}
	ex.concludeBodies(rec, o)
	ex.concludeError(rec, panicked, b)
	e.Facts.Carry(s.Carried)
	e.Severity = entry.SeverityOf(e.HTTP.Status, e.Error.Type, panicked.panicked())
	e.Facts.EntryPage = s.EntryPage
	if ex.req.RequestURI == "" {
		rec.path = capture.Bound(pathOf(ex.req), 1<<10)
	}
	if rec.home == nil {
		rec.words() // there is no Finish for what is not lent
	}
}

func (ex *exchange) concludeBodies(rec *record, o *outcome) {
	e := &rec.Entry
	req := &e.Request.Body
	complete := ex.body == nil || ex.reader.ended ||
		ex.req.ContentLength >= 0 && rec.ask.Size >= ex.req.ContentLength
	ex.settle(&rec.ask, e, req)
	if ex.body != nil && !complete {
		e.Flags = append(e.Flags, entry.FlagUnread)
		req.Truncated = true
		if req.Reason == "" {
			req.Reason = reasonUnread
		}
		switch {
		case ex.reader.failed != nil: // as far as it came
		case ex.req.ContentLength >= 0:
			req.Size = ex.req.ContentLength
		case req.Size == 0:
			req.Size = -1
		}
	}
	if len(ex.req.Trailer) > 0 && ex.reader.ended {
		e.Request.Trailers = capture.AppendFields(nil, ex.req.Trailer, nil)
	}

	if bodiless(e.HTTP.Method, int(ex.status)) {
		rec.res.Stop()
		rec.res.Cut(ex.pool, 0, 0)
		rec.res.Size = 0
	}
	res := &e.Response.Body
	ex.settle(&rec.res, e, res)
	if ex.gaveConn || o.goexit || ex.status == 0 {
		return
	}
	if rec.out.streamed {
		e.Flags = append(e.Flags, entry.FlagStreamed)
		if res.Chunks = rec.out.chunks; res.Size > rec.out.flushedAt {
			res.Chunks++ // what the server sends by itself when the handler has returned
		}
	}
	// Trailers are in the header map by now, and only then is it worth a look.
	if h := ex.w.Header(); rec.out.trailer || len(h) != rec.out.fields {
		e.Response.Trailers = appendTrailers(nil, e.Response.Headers, h)
	}
}

// concludeError says why the exchange broke off, if it did. What the handler said
// with SetError stands.
func (ex *exchange) concludeError(rec *record, o *outcome, b *breakage) {
	e := &rec.Entry
	err := &e.Error
	gone := ex.goneAway(rec, b)
	if gone {
		e.Flags = append(e.Flags, entry.FlagAborted)
	}
	if o.panicked() {
		ex.kept.Store(true)
		e.Flags = append(e.Flags, entry.FlagPanic)
		err.Type, err.Message, err.Stack = entry.ErrorPanic, o.why, o.stack
		return
	}
	if err.Type != "" {
		return
	}
	switch {
	case o.goexit:
		err.Type, err.Message = entry.ErrorGoexit, goexitText
	case ex.gaveConn:
	case b.out.deadline:
		err.Type, err.Message = entry.ErrorWriteTimeout, b.out.text
	case gone:
		err.Type = entry.ErrorClientAborted
		switch {
		case b.out.failed:
			err.Message = b.out.text
		case b.in.failed:
			err.Message = b.in.text
		default:
			err.Message = b.ctx.text
		}
	case o.value == http.ErrAbortHandler:
		err.Type, err.Message = entry.ErrorHandlerAborted, "the handler broke the response off: "+http.ErrAbortHandler.Error()
	case b.ctx.deadline && (ex.status >= 500 || !ex.whole(rec)):
		err.Type, err.Message = entry.ErrorTimeout, b.ctx.text
	case b.in.deadline:
		err.Type, err.Message = entry.ErrorReadTimeout, b.in.text
	case b.in.failed && ex.status >= 400:
		err.Type, err.Message = entry.ErrorBadRequestBody, b.in.text
	case rec.res.Size < rec.out.declared && !b.out.failed && !bodiless(e.HTTP.Method, int(ex.status)):
		// The server cuts the connection, or ends the stream over HTTP/2: the client does
		// not get it whole.
		err.Type, err.Message = entry.ErrorShortResponse, fmt.Sprintf("%d bytes were written of the %d that Content-Length declares", rec.res.Size, rec.out.declared)
	}
}

// goneAway reports whether the client left before it had the response. A client
// that closes the connection of a response it has had whole did not.
func (ex *exchange) goneAway(rec *record, b *breakage) bool {
	out := &rec.out
	if ex.gaveConn {
		return false
	}
	if b.out.failed {
		// A HEAD over HTTP/2 is answered whole with the first flush, and what is written
		// after that fails.
		answered := ex.returned && bodiless(rec.HTTP.Method, int(ex.status))
		return !answered && !b.out.deadline && !b.out.handlerTimeout
	}
	if !b.ctx.canceled || b.in.deadline {
		return false // a read that took too long ends the context as well
	}
	// What the server still holds in its buffers, 4 KiB and 2 KiB, the client can not have.
	const buffered = 6 << 10
	switch {
	case !ex.whole(rec):
		return true
	case out.flushed || rec.res.Size >= buffered:
		return false
	}
	// A middleware around us, or the end of the server's BaseContext, may have canceled it
	// as well; only of a failure there is more to say.
	return ex.status >= 400 || !ex.connected()
}

// connected reports whether the client is known to be there still: whether the server,
// which looks at the connection of a request over HTTP/1 meanwhile, has not seen its end.
// Nobody's writer but the server's own is asked, since the lock is held.
func (ex *exchange) connected() (is bool) {
	w, ok := ex.w.(closeNotifier)
	if !ok || ex.req.ProtoMajor != 1 || !ex.byServer(ex.w) {
		return false // another protocol's servers begin to look when they are asked
	}
	defer func() {
		// The server panics if its handler has returned, as one may that runs us in
		// another goroutine.
		if recover() != nil {
			is = false
		}
	}()
	return len(w.CloseNotify()) == 0 // what is in it may be for the handler
}

// whole reports whether the handler has given a whole answer, as far as its length is
// known. The server knows that of one which fits into its buffer.
func (ex *exchange) whole(rec *record) bool {
	out, size := &rec.out, rec.res.Size
	switch {
	case !ex.returned:
		return false
	case bodiless(rec.HTTP.Method, int(ex.status)):
		return true
	case out.declared >= 0:
		return size >= out.declared
	}
	return size > 0 && size <= serverBuffers && !out.flushed
}

// words fills in the message, and the entry page of a scenario's first hop. One
// allocation serves both.
func (r *record) words() {
	e := &r.Entry
	path := r.path
	if path == "" {
		path = pathIn(e.HTTP.URL)
	}
	var room [256]byte
	b := append(room[:0], capture.Bound(e.HTTP.Method, 32)...)
	b = append(b, ' ')
	b = append(b, boundPath(path, 1<<10)...)
	b = append(b, ' ')
	switch {
	case e.HTTP.Status != 0:
		b = strconv.AppendInt(b, int64(e.HTTP.Status), 10)
	case slices.Contains(e.Flags, entry.FlagHijacked):
		b = append(b, "hijacked"...)
	case e.Error.Type != "":
		b = append(b, e.Error.Type...)
	default:
		b = append(b, "no answer"...)
	}
	if e.HTTP.Status != 0 {
		switch e.Error.Type {
		case entry.ErrorPanic, entry.ErrorClientAborted, entry.ErrorHandlerAborted, entry.ErrorWriteTimeout, entry.ErrorShortResponse: // the status alone is not how it ended
			b = append(b, ' ')
			b = append(b, e.Error.Type...)
		}
	}
	b = append(b, " ("...)
	b = appendMillis(b, e.Latency)
	b = append(b, " ms)"...)
	n := len(b)
	if e.Facts.EntryPage == "" && e.Origin == txid.OriginMinted {
		b = append(b, capture.Bound(e.HTTP.Method, 32)...)
		b = append(b, ' ')
		if e.HTTP.Route != "" {
			b = append(b, e.HTTP.Route...)
		} else {
			b = append(b, boundPath(path, entry.MaxWord)...)
		}
	}
	s := string(b)
	e.Message = s[:n]
	if len(s) > n {
		e.Facts.EntryPage = s[n:]
	}
}

// appendMillis writes whole milliseconds, and a tenth below ten.
func appendMillis(b []byte, d time.Duration) []byte {
	if d < 10*time.Millisecond {
		return strconv.AppendFloat(b, float64(d.Microseconds()/100)/10, 'f', 1, 64)
	}
	return strconv.AppendInt(b, d.Milliseconds(), 10)
}
