package fibertx

import (
	"crypto/tls"
	"iter"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/entry"
)

// newRequest returns what the options' functions are asked with. All of it is copied:
// fasthttp writes the next request over this one.
func newRequest(c fiber.Ctx) *http.Request {
	rc := c.RequestCtx()
	h := &rc.Request.Header
	r := &http.Request{
		Method: string(h.Method()), RequestURI: string(h.RequestURI()), Proto: string(h.Protocol()),
		Host: string(h.Host()), Header: http.Header{}, ContentLength: int64(max(h.ContentLength(), -1)),
	}
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	if addr := rc.RemoteAddr(); addr != nil {
		r.RemoteAddr = addr.String()
	}
	if tlsState := rc.TLSConnectionState(); tlsState != nil {
		r.TLS = tlsState
	}
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		u = &url.URL{Path: string(rc.Path()), RawQuery: string(rc.URI().QueryString())}
	}
	r.URL = u
	for name, value := range h.All() {
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		if key == "Host" {
			continue // net/http has it apart
		}
		// All of them, within what the server reads: who is asked, and whose address
		// that is, may stand in the last one.
		r.Header[key] = append(r.Header[key], string(value))
	}
	return r
}

// each yields the fields of h.
func each(h http.Header) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for name, values := range h {
			for _, v := range values {
				if !yield(name, v) {
					return
				}
			}
		}
	}
}

// cutHeader is the name of the field that stands for those not kept.
const cutHeader = "X-Txtrail-Cut"

// appendHeaders keeps what the entry package's bounds allow, and says if that is not all.
func appendHeaders(dst []entry.Header, fields iter.Seq2[string, string]) []entry.Header {
	total := 0
	for name, value := range fields {
		f := entry.Header{Name: bound(name, entry.MaxWord), Value: bound(value, entry.MaxHeaderValue)}
		total += len(f.Name) + len(f.Value)
		if len(dst) >= entry.MaxHeaders || total > entry.MaxHeaderBytes {
			return append(dst, entry.Header{Name: cutHeader, Value: "more header fields not kept"})
		}
		dst = append(dst, f)
	}
	return dst
}

// bound cuts s near limit, leaving a little more for Clip to mark as cut.
func bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.Clone(s[:limit+1])
}

// own is bound for what a handler gives: what it has from its fiber.Ctx lies in a buffer
// that the next request is read into, before the entry is written.
func own(s string, limit int) string {
	if len(s) <= limit {
		return strings.Clone(s)
	}
	return bound(s, limit)
}

// boundPath is bound for a path: what is left of a segment that was cut is left out, since
// no rule of the sanitizer can know the first digits of a card's number.
func boundPath(p string, limit int) string {
	if len(p) <= limit {
		return p
	}
	p = p[:limit]
	return p[:strings.LastIndexByte(p, '/')+1] + "…"
}

// pathOf returns the request's path as it was sent, without the query.
func pathOf(r *http.Request) string {
	p, _, _ := strings.Cut(r.RequestURI, "?")
	if p == "" {
		return "/"
	}
	return bound(p, entry.MaxURL)
}

// refererPath returns the path of an absolute URL, or "".
func refererPath(u string) string {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		return ""
	}
	i := strings.IndexAny(rest, "/?#")
	if i < 0 || rest[i] != '/' {
		return "/"
	}
	rest = rest[i:]
	if j := strings.IndexAny(rest, "?#"); j >= 0 {
		rest = rest[:j]
	}
	return bound(rest, 256)
}

// tlsLabel names the version as OpenTelemetry's tls.protocol.version does.
func tlsLabel(version uint16) entry.Label {
	return entry.Label{Name: "tls.protocol.version", Value: strings.TrimPrefix(tls.VersionName(version), "TLS ")}
}
