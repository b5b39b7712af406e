package middleware

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// answer notes the final status: here and nowhere else the ID is put into the
// response, so that no 1xx carries it, and the headers are recorded as they are
// sent. It does so once, and not after the handler has returned. The lock is held.
func (ex *exchange) answer(status int) {
	if ex.status != 0 || ex.done {
		return
	}
	ex.status = status
	if status >= 500 {
		ex.kept.Store(true)
	}
	h := ex.w.Header()
	if ex.body != nil && ex.overLimit(status) {
		h.Set("Connection", "close")
	}
	if status >= 400 && ex.ErrorLink != nil && h[HeaderErrorLink] == nil {
		if url := ex.link(ex.ctx.Scope.ID); url != "" {
			h[HeaderErrorLink] = []string{url}
		}
	}
	rec := ex.rec
	if rec == nil {
		if ex.ReturnID != ReturnNever && (ex.ReturnID == ReturnAlways || !txid.SharedCacheable(status, h)) {
			ex.setID(h)
			ex.keepHeader(h)
		}
		return
	}

	var seen noted
	fields := appendHeaders(rec.room(), h, &seen)
	if ex.ReturnID != ReturnNever && (ex.ReturnID == ReturnAlways || !seen.cacheable || !txid.SharedCacheable(status, h)) {
		if ex.setID(h) {
			fields = append(fields, entry.Header{Name: ex.header, Value: ex.id[0]})
		}
		if ex.keepHeader(h) {
			fields = append(fields, entry.Header{Name: txid.HeaderKeep, Value: txid.KeepValue})
		}
	}
	rec.Response.Headers = fields
	rec.Response.Body.Type, rec.Response.Body.ContentEncoding = bound(seen.contentType, entry.MaxWord), bound(seen.contentEncoding, entry.MaxWord)
	rec.HTTP.CacheHit = seen.cached && txid.FromCache(h)
	w := &ex.writer
	w.fields, w.trailer, w.declared = len(h), seen.trailer, -1
	if seen.contentLength != "" {
		if n, err := strconv.ParseInt(seen.contentLength, 10, 64); err == nil && n >= 0 {
			w.declared = n
		}
	}
	switch {
	case rec.HTTP.Method == http.MethodHead:
		ex.res.begin(0, "", w.declared) // what is written goes nowhere
	case status == http.StatusPartialContent && byteRange(h):
		// A piece from the middle can not be sanitized: what names its values is
		// missing.
		ex.res.begin(0, "", w.declared)
		ex.res.reason = reasonPartial
	default:
		ex.choose(&ex.res, rec.HTTP.Method, &rec.Response.Body, w.declared)
	}
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

// byteRange reports whether a 206 is a piece of something by its bytes (RFC 9110,
// section 14.4). Some APIs answer 206 with a whole document that holds a page of a
// list, in units of their own.
func byteRange(h http.Header) bool {
	unit, _, _ := strings.Cut(first(h, "Content-Range"), " ")
	media := first(h, "Content-Type")
	const ranges = "multipart/byteranges"
	return strings.EqualFold(unit, "bytes") || len(media) >= len(ranges) && strings.EqualFold(media[:len(ranges)], ranges)
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
