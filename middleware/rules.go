package middleware

import (
	"fmt"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// CaptureRule says how much is kept of the bodies of some exchanges. Sizes are
// counted always, whatever is kept.
type CaptureRule struct {
	// Route is a route pattern as entries show it, with or without a method before
	// it: "/items/{id}", "POST /login". With a "*" at its end it stands for all that
	// begin so: "GET /admin/*". Default "": any route, and none.
	Route string
	// Type is a media type without parameters: "application/json", "text/*".
	// Default "": any, and none.
	Type string
	// First is how many bytes are kept of a body's beginning. At most
	// [LargestMaxBody] together with Last. Default [Options.MaxBody]; -1 keeps none.
	First int
	// Last is how many bytes are kept of the end of a body that is larger, from the
	// first whole record in them. It works for event streams and newline-delimited
	// JSON without a Content-Encoding, and does nothing for others: only where each
	// record stands for itself can the end of a body be sanitized without what went
	// before. The record in between says how much was left out. Default 0.
	Last int
}

// rule is a CaptureRule, taken apart.
type rule struct {
	route       routePattern
	ctype       pattern
	first, last int
}

// routePattern is a route, perhaps with a method before it.
type routePattern struct{ method, path pattern }

func newRoutePattern(s string) routePattern {
	method, path, ok := strings.Cut(s, " ")
	if !ok {
		method, path = "", s
	}
	return routePattern{newPattern(method), newPattern(path)}
}

func (p routePattern) match(method, route string) bool {
	return p.method.match(method) && (route != "" || p.path.any()) && p.path.match(route)
}

// valid reports whether a user's text can be a route.
func (p routePattern) valid(s string) bool {
	return s == "" || !strings.HasPrefix(s, " ") && (p.path.any() && p.path.prefix || strings.HasPrefix(p.path.text, "/"))
}

// pattern is a text, or the beginning of texts.
type pattern struct {
	text   string
	prefix bool
}

func newPattern(s string) pattern {
	if p, ok := strings.CutSuffix(s, "*"); ok {
		return pattern{p, true}
	}
	return pattern{s, false}
}

// any reports whether p matches everything.
func (p pattern) any() bool { return p.text == "" }

func (p pattern) match(s string) bool {
	return p.any() || s == p.text || p.prefix && strings.HasPrefix(s, p.text)
}

// matchFold is match for media types, whose case does not matter.
func (p pattern) matchFold(s string) bool {
	if n := len(p.text); p.prefix && len(s) > n {
		s = s[:n]
	}
	return p.any() || strings.EqualFold(s, p.text)
}

// compileRules checks the rules and fills in the defaults.
func compileRules(rules []CaptureRule, maxBody int) ([]rule, error) {
	compiled := make([]rule, 0, len(rules))
	for i, r := range rules {
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("%w: Capture[%d]: %s", ErrOptions, i, fmt.Sprintf(format, args...))
		}
		c := rule{route: newRoutePattern(r.Route), ctype: newPattern(r.Type), first: r.First, last: r.Last}
		if !c.route.valid(r.Route) {
			return nil, wrong("Route is %q, want one such as \"/items/{id}\", \"POST /login\" or \"/admin/*\"", r.Route)
		}
		major, minor, ok := strings.Cut(r.Type, "/")
		if r.Type != "" && (!ok || major == "" || minor == "" || strings.ContainsAny(r.Type, "; ")) {
			return nil, wrong("Type is %q, want one such as \"application/json\" or \"text/*\"", r.Type)
		}
		switch {
		case c.first == 0:
			c.first = maxBody
		case c.first == -1:
			c.first = 0
		case c.first < -1:
			return nil, wrong("First is %d, want a number of bytes, 0 for MaxBody or -1 for none", c.first)
		}
		if c.last < 0 {
			return nil, wrong("Last is %d, want a number of bytes, or 0 for none", c.last)
		}
		if c.first > LargestMaxBody || c.last > LargestMaxBody || c.first+c.last > LargestMaxBody {
			return nil, wrong("First and Last are %d together, at most %d", c.first+c.last, LargestMaxBody)
		}
		compiled = append(compiled, c)
	}
	return compiled, nil
}

// bounds returns how much to keep of a body, by the first rule that matches. While
// the route may still be named, that is the most that any rule would keep which
// may yet turn out to match: the rest is cut off at the end.
func (c *config) bounds(method, route, contentType string, final bool) (first, last int) {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	for i := range c.rules {
		r := &c.rules[i]
		if !r.ctype.matchFold(media) {
			continue
		}
		if r.route.match(method, route) {
			return max(first, r.first), max(last, r.last)
		}
		if route == "" && !final && r.route.method.match(method) {
			first, last = max(first, r.first), max(last, r.last)
		}
	}
	return max(first, c.MaxBody), last
}

// choose says how much of a body is kept, when its first bytes go by: behind a
// router the route is known then. The lock is held.
func (ex *exchange) choose(c *capture, method string, b *entry.Body, declared int64) {
	first, last := ex.MaxBody, 0
	if len(ex.rules) > 0 {
		first, last = ex.bounds(method, ex.routeOf(), b.Type, false)
	}
	c.begin(first, b.Type, declared)
	if last > 0 && c.reason == "" && b.ContentEncoding == "" {
		if r := recordsOf(b.Type); r != noRecords {
			c.tail = &tail{last: last, records: r}
		}
	}
}

// settle applies the rules again, now that the route is known for good, and hands
// what is left to b. The lock is held.
func (ex *exchange) settle(c *capture, e *entry.Entry, b *entry.Body) {
	if len(ex.rules) > 0 {
		first, last := ex.bounds(e.HTTP.Method, e.HTTP.Route, b.Type, true)
		c.cut(ex.pool, first, last)
	}
	c.detach(ex.pool, b)
}
