package middleware

import (
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// appendHeaders copies h's fields to dst, as they are but bounded: at most
// [entry.MaxHeaders] fields and [entry.MaxHeaderBytes] bytes, one more field
// telling Clip that some are missing.
func appendHeaders(dst []entry.Header, h http.Header) []entry.Header {
	total, n := 0, 0
	for name, values := range h {
		for _, v := range values {
			f := entry.Header{Name: bound(name, entry.MaxWord), Value: bound(v, entry.MaxHeaderValue)}
			total += len(f.Name) + len(f.Value)
			if n++; n > entry.MaxHeaders || total > entry.MaxHeaderBytes {
				return append(dst, entry.Header{Name: cutHeader, Value: "more header fields not kept"})
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
