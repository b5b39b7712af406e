package middleware

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/txtrail/txtrail/txid"

	"github.com/txtrail/txtrail/internal/capture"
)

// routeSoFar returns what SetRoute said, else the pattern that a ServeMux has put on
// the request, as far as that is known yet. It may be asked in any goroutine, and goes
// by the request itself only where its goroutine stands still: see whereabouts. Elsewhere
// a mux that we wrap is asked anew. The lock is held.
func (ex *exchange) routeSoFar() string {
	if ex.route != "" || ex.done {
		return ex.route
	}
	if _, routed := ex.places.whereabouts(); routed && ex.own != nil {
		ex.route = patternPath(ex.own.Pattern)
	}
	if ex.route == "" && ex.mux != nil {
		ex.route = ex.asked()
	}
	return ex.route
}

// asked returns the pattern by which the mux that we wrap finds the request's handler.
// It is given a request of our own, since the handler may change its.
func (ex *exchange) asked() string {
	u, err := url.ParseRequestURI(ex.req.RequestURI)
	if err != nil {
		return ""
	}
	_, pattern := ex.mux.Handler(&http.Request{Method: ex.req.Method, Host: ex.req.Host, URL: u, RequestURI: ex.req.RequestURI})
	return patternPath(pattern)
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
// page that the browser says the call was made from. The lock is held.
func (ex *exchange) entryPage() string {
	if p := ex.knownPage(); p != "" || ex.ctx.Scope.Origin != txid.OriginMinted {
		return p
	}
	return pageOf(ex.req, ex.routeSoFar())
}

// pageOf is r as the page by which the user came in.
func pageOf(r *http.Request, route string) string {
	if route == "" {
		route = pathOf(r)
	}
	return r.Method + " " + route
}

// knownPage is entryPage without what must be put together.
func (ex *exchange) knownPage() string { return knownPage(&ex.ctx.Scope, ex.req) }

func knownPage(s *txid.Scope, r *http.Request) string {
	if s.EntryPage != "" || s.Origin == txid.OriginMinted {
		return s.EntryPage
	}
	return refererPath(first(r.Header, "Referer"))
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
