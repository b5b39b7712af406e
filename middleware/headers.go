package middleware

import (
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// boundPath is capture.Bound for a path: what is left of a segment that was cut is left out,
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
