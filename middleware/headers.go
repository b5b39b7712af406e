package middleware

import (
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// noted is what a message's headers say that the entry needs elsewhere: it is
// gathered while they are copied, since each look-up would cost as much as a field.
type noted struct {
	contentType, contentEncoding, contentLength, userAgent, referer string

	cacheable bool // a header that txid.SharedCacheable looks at is there
	cached    bool // one that txid.FromCache looks at
	trailer   bool
	keep      bool // txid.HeaderKeep is set
}

func (n *noted) note(name, value string) {
	switch name {
	case "Content-Type":
		n.contentType = value
	case "Content-Encoding":
		n.contentEncoding = value
	case "Content-Length":
		n.contentLength = value
	case "User-Agent":
		n.userAgent = value
	case "Referer":
		n.referer = value
	case "Cache-Control", "Expires", "Last-Modified", "Cdn-Cache-Control", "Surrogate-Control":
		n.cacheable = true
	case "Age", "X-Cache", "Cache-Status", "Cf-Cache-Status":
		n.cached = true
	case "Trailer":
		n.trailer = true
	case txid.HeaderKeep:
		n.keep = value == txid.KeepValue
	}
}

// appendHeaders copies h's fields to dst, as they are but bounded: at most
// [entry.MaxHeaders] fields and [entry.MaxHeaderBytes] bytes, one more field
// saying that some are missing. It notes the first value of each in seen.
func appendHeaders(dst []entry.Header, h http.Header, seen *noted) []entry.Header {
	total, n, cut := 0, 0, false
	for name, values := range h {
		if len(values) > 0 {
			seen.note(name, values[0])
		}
		if cut {
			continue
		}
		for _, v := range values {
			f := entry.Header{Name: bound(name, entry.MaxWord), Value: bound(v, entry.MaxHeaderValue)}
			total += len(f.Name) + len(f.Value)
			if n++; n > entry.MaxHeaders || total > entry.MaxHeaderBytes {
				dst = append(dst, entry.Header{Name: cutHeader, Value: "more header fields not kept"})
				cut = true
				break
			}
			dst = append(dst, f)
		}
	}
	return dst
}

// cutHeader is the name of the field that stands for those not kept.
const cutHeader = "X-Txtrail-Cut"

// bound cuts s near limit, leaving a little more for Clip to mark as cut. What is
// cut is copied, lest the entry keep the whole of a hostile megabyte alive.
func bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.Clone(s[:limit+1])
}

// boundPath is bound for a path: what is left of a segment that was cut is left out,
// since no rule of the sanitizer can know the first digits of a card's number.
func boundPath(p string, limit int) string {
	if len(p) <= limit {
		return p
	}
	p = p[:limit]
	return p[:strings.LastIndexByte(p, '/')+1] + "…"
}

// method returns m as a string that does not keep the request line alive, of which
// net/http cuts it: a client chooses how long that is.
func method(m string) string {
	switch m {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodHead:
		return http.MethodHead
	case http.MethodPost:
		return http.MethodPost
	case http.MethodPut:
		return http.MethodPut
	case http.MethodPatch:
		return http.MethodPatch
	case http.MethodDelete:
		return http.MethodDelete
	case http.MethodOptions:
		return http.MethodOptions
	}
	return strings.Clone(m[:min(len(m), maxMethod)])
}

// maxMethod bounds a method that is none of the usual ones, in bytes.
const maxMethod = 64

// protocol is method for the protocol's version.
func protocol(p string) string {
	switch p {
	case "HTTP/1.1":
		return "HTTP/1.1"
	case "HTTP/2.0":
		return "HTTP/2.0"
	case "HTTP/1.0":
		return "HTTP/1.0"
	}
	return strings.Clone(p[:min(len(p), maxMethod)])
}

// first returns the first value of a field by its canonical name.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// tlsLabel names the version as OpenTelemetry's tls.protocol.version does.
func tlsLabel(version uint16) entry.Label {
	l := entry.Label{Name: "tls.protocol.version"}
	switch version {
	case tls.VersionTLS13:
		l.Value = "1.3"
	case tls.VersionTLS12:
		l.Value = "1.2"
	case tls.VersionTLS11:
		l.Value = "1.1"
	default:
		l.Value = "1.0"
	}
	return l
}
