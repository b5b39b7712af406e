package middleware

import (
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/txid"

	"github.com/txtrail/txtrail/internal/capture"
)

// routeSoFar returns what SetRoute said, else the pattern that a ServeMux has put on
// the request, as far as that is known yet. It may be asked in any goroutine, and goes
// by the request itself only where its goroutine stands still: see whereabouts. The lock
// is held.
func (ex *exchange) routeSoFar() string {
	if ex.route != "" || ex.done {
		return ex.route
	}
	if _, routed := ex.places.whereabouts(); routed && ex.own != nil {
		ex.route = patternPath(ex.own.Pattern)
	}
	return ex.route
}

// routeOf returns what SetRoute said, else the pattern that ServeMux put on the
// request: it does so in place, on our copy, unless somebody in between cloned it. It is
// for the goroutine of the handler that has ended or takes the connection. The lock is
// held.
func (ex *exchange) routeOf() string {
	if !ex.named && ex.own != nil && ex.own.Pattern != "" {
		ex.route = patternPath(ex.own.Pattern)
	}
	return ex.route
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
// scenario's first hop this request itself, as far as its route is known yet; else the
// page that the browser said the call was made from, which enter has taken. The lock is
// held.
func (ex *exchange) entryPage() string {
	if p := ex.ctx.Scope.EntryPage; p != "" || ex.ctx.Scope.Origin != txid.OriginMinted {
		return p
	}
	return pageOf(ex.req.Method, ex.routeSoFar(), pathOf(ex.req))
}

// pageOf is a request as the page by which the user came in.
func pageOf(method, route, path string) string {
	if route == "" {
		route = path
	}
	return method + " " + route
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
