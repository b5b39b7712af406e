package middleware

import (
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/txid"

	"github.com/txtrail/txtrail/internal/capture"
)

// routeOf returns what SetRoute said, else the pattern that ServeMux put on the
// request: it does so in place, on our copy, unless somebody in between cloned it.
// The lock is held.
func (ex *exchange) routeOf() string {
	if ex.route != "" {
		return ex.route
	}
	if ex.own == nil {
		return ""
	}
	return patternPath(ex.own.Pattern)
}

// patternPath takes method and host off a ServeMux pattern.
func patternPath(pattern string) string {
	if i := strings.IndexAny(pattern, " \t"); i >= 0 {
		pattern = strings.TrimLeft(pattern[i:], " \t")
	}
	if i := strings.IndexByte(pattern, '/'); i > 0 {
		pattern = pattern[i:]
	}
	return pattern
}

// entryPage is the page by which the user came in: the one that was carried; on a
// scenario's first hop this request itself, as far as its route is known; else the
// page that the browser says the call was made from. The lock is held.
func (ex *exchange) entryPage() string {
	if p := ex.knownPage(); p != "" || ex.ctx.Scope.Origin != txid.OriginMinted {
		return p
	}
	route := ex.routeOf()
	if route == "" {
		route = pathOf(ex.req)
	}
	return ex.req.Method + " " + route
}

// knownPage is entryPage without what must be put together.
func (ex *exchange) knownPage() string {
	s := &ex.ctx.Scope
	if s.EntryPage != "" || s.Origin == txid.OriginMinted {
		return s.EntryPage
	}
	return refererPath(first(ex.req.Header, "Referer"))
}

// pathOf returns the request's path as it was sent, escaped, without the query.
func pathOf(r *http.Request) string {
	p := r.RequestURI
	if p == "" && r.URL != nil {
		p = r.URL.EscapedPath()
	}
	return pathIn(p)
}

// pathIn returns what stands before the query of a request's target.
func pathIn(target string) string {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	if target == "" {
		return "/"
	}
	return target
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
	return capture.Bound(rest, 256)
}
