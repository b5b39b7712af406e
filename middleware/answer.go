package middleware

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

// answer notes the final status: here and nowhere else the ID is put into the
// response, so that no 1xx carries it, and the headers are recorded as they are
// sent. It does so once, and not after the handler has returned. The lock is held.
func (ex *exchange) answer(status int) {
	if ex.status != 0 || ex.done {
		return
	}
	ex.status = int16(status) //nolint:gosec // three digits
	if status >= 500 {
		ex.kept.Store(true)
	}
	h := ex.w.Header()
	if ex.body != nil && ex.overLimit() {
		h.Set("Connection", "close")
	}
	if status >= 400 && ex.ErrorLink != nil && h[HeaderErrorLink] == nil && ex.returns(status, h) {
		if url := ex.link(ex.ctx.Scope.ID); url != "" {
			h[HeaderErrorLink] = []string{url}
		}
	}
	rec := ex.rec
	if rec == nil {
		if ex.returns(status, h) {
			ex.setID(h)
			ex.keepHeader(h)
		}
		return
	}

	var seen capture.Noted
	fields := capture.AppendFields(rec.room(), h, &seen)
	if seen.Prefixed {
		// The server holds these back until the end.
		fields = slices.DeleteFunc(fields, func(f entry.Header) bool { return strings.HasPrefix(f.Name, http.TrailerPrefix) })
	}
	cacheable := seen.Cacheable || status == http.StatusNotModified // perhaps
	if ex.ReturnID != ReturnNever && (ex.ReturnID == ReturnAlways || !cacheable || !txid.SharedCacheable(status, h)) {
		if ex.setID(h) {
			fields = append(fields, entry.Header{Name: ex.header, Value: ex.id[0]})
		}
		if ex.keepHeader(h) {
			fields = append(fields, entry.Header{Name: txid.HeaderKeep, Value: txid.KeepValue})
		}
	}
	rec.Response.Headers = fields
	rec.Response.Body.Type, rec.Response.Body.ContentEncoding = capture.Bound(seen.Type, entry.MaxWord), capture.Bound(seen.Encoding, entry.MaxWord)
	rec.HTTP.CacheHit = seen.Cached && txid.FromCache(h)
	w := &rec.out
	w.fields, w.trailer, w.declared = len(h), seen.Trailer, -1
	if seen.Length != "" {
		if n, err := strconv.ParseInt(seen.Length, 10, 64); err == nil && n >= 0 {
			w.declared = n
		}
	}
	switch {
	case bodiless(rec.HTTP.Method, status):
	case status == http.StatusPartialContent && capture.ByteRange(seen.Range, seen.Type):
		rec.res.Partial()
	default:
		ex.choose(&rec.res, &rec.Response.Body, w.declared)
	}
}

// bodiless reports whether the response has no body, so that what is written goes
// nowhere.
func bodiless(method string, status int) bool {
	return method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
}

// given is answer for a status that the handler gives itself. It may be the source of a
// copy that gives it, before its first byte: that status is the one that is sent then.
// The lock is held.
func (ex *exchange) given(status int) {
	if !ex.implied || ex.status == 0 || ex.done {
		ex.answer(status)
		return
	}
	ex.implied = false
	ex.status = int16(status) //nolint:gosec // three digits
	if status >= 500 {
		ex.kept.Store(true)
	}
}

// copied ends a copy that has implied an answer. One of which nothing came takes it back:
// the server has sent nothing, and the handler may still answer otherwise.
func (ex *exchange) copied(came bool) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	implied, rec := ex.implied, ex.rec
	ex.implied = false
	if came || !implied || ex.done || rec != nil && (rec.res.Size != 0 || rec.out.flushed || rec.out.failed != nil) {
		return
	}
	ex.status = 0
	// Whether these may be in the headers is for the final ones to say.
	h := ex.w.Header()
	if v := h[ex.header]; len(v) == 1 && &v[0] == &ex.id[0] {
		delete(h, ex.header)
	}
	if ex.told {
		ex.told = false
		delete(h, txid.HeaderKeep)
	}
	if rec != nil {
		rec.res.Cut(ex.pool, 0, 0)
		rec.res, rec.out, rec.Response, rec.HTTP.CacheHit = captured{}, sent{}, entry.Message{}, false
	}
}

// returns reports whether a response may tell its ID: what a shared cache keeps it would
// tell everybody.
func (ex *exchange) returns(status int, h http.Header) bool {
	return ex.ReturnID != ReturnNever && (ex.ReturnID == ReturnAlways || !txid.SharedCacheable(status, h))
}

// setID puts the ID into h and reports whether it did. What a handler has put there
// stands.
func (ex *exchange) setID(h http.Header) bool {
	if len(h[ex.header]) != 0 {
		return false
	}
	ex.id[0] = string(ex.ctx.Scope.ID)
	h[ex.header] = ex.id[:1:1]
	return true
}

// room returns what the request's headers have left of the record's fields.
func (r *record) room() []entry.Header {
	n := len(r.Request.Headers)
	if n >= len(r.fields) {
		return nil
	}
	r.Request.Headers = r.Request.Headers[:n:n]
	return r.fields[n:n]
}
