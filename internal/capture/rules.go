package capture

import (
	"fmt"
	"strings"
)

// Rule says how much is kept of some bodies, as the user wrote it. The packages that
// have users document it.
type Rule struct {
	Route, Type string
	First, Last int
}

// Rules are rules, taken apart. They are immutable.
type Rules []rule

type rule struct {
	route       RoutePattern
	ctype       pattern
	first, last int
}

// RoutePattern is a route, perhaps with a method before it and with a "*" at its
// end.
type RoutePattern struct{ method, path pattern }

// NewRoutePattern takes s apart.
func NewRoutePattern(s string) RoutePattern {
	method, path, ok := strings.Cut(s, " ")
	if !ok {
		method, path = "", s
	}
	return RoutePattern{newPattern(method), newPattern(path)}
}

// Match reports whether an exchange's method and route match. An unknown route, "",
// matches only where any does.
func (p RoutePattern) Match(method, route string) bool {
	return p.method.match(method) && (route != "" || p.path.any()) && p.path.match(route)
}

// valid reports whether a user's text can be a route.
func (p RoutePattern) valid(s string) bool {
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

// compile is for CompileRules. The error begins with the field's name.
func (r Rule) compile(maxBody, largest int) (rule, error) {
	c := rule{route: NewRoutePattern(r.Route), ctype: newPattern(r.Type), first: r.First, last: r.Last}
	if !c.route.valid(r.Route) {
		return c, fmt.Errorf(`Route is %q, want one such as "/items/{id}", "POST /login" or "/admin/*"`, r.Route)
	}
	major, minor, ok := strings.Cut(r.Type, "/")
	if r.Type != "" && (!ok || major == "" || minor == "" || strings.ContainsAny(r.Type, "; ")) {
		return c, fmt.Errorf(`Type is %q, want one such as "application/json" or "text/*"`, r.Type)
	}
	switch {
	case c.first == 0:
		c.first = maxBody
	case c.first == -1:
		c.first = 0
	case c.first < -1:
		return c, fmt.Errorf("First is %d, want a number of bytes, 0 for MaxBody or -1 for none", c.first)
	}
	if c.last < 0 {
		return c, fmt.Errorf("Last is %d, want a number of bytes, or 0 for none", c.last)
	}
	if c.first > largest || c.last > largest || c.first+c.last > largest {
		return c, fmt.Errorf("First and Last are %d together, at most %d", c.first+c.last, largest)
	}
	return c, nil
}

// CompileRules checks rules and fills in the defaults: maxBody where First is 0.
// largest bounds what one may keep. The error names rule and field: "Capture[1]: Last
// is -1, want …".
func CompileRules(rules []Rule, maxBody, largest int) (Rules, error) {
	compiled := make(Rules, 0, len(rules))
	for i, r := range rules {
		c, err := r.compile(maxBody, largest)
		if err != nil {
			return nil, fmt.Errorf("Capture[%d]: %w", i, err)
		}
		compiled = append(compiled, c)
	}
	return compiled, nil
}

// Bounds returns how much to keep of a body, by the first rule that matches, or
// maxBody. While the route may still be named, which final denies, that is the most
// that any rule would keep which may yet turn out to match: the rest is cut off at
// the end.
func (rs Rules) Bounds(method, route, contentType string, maxBody int, final bool) (first, last int) {
	if len(rs) == 0 {
		return maxBody, 0
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	for i := range rs {
		r := &rs[i]
		if !r.ctype.matchFold(media) {
			continue
		}
		if r.route.Match(method, route) {
			return max(first, r.first), max(last, r.last)
		}
		if route == "" && !final && r.route.method.match(method) {
			first, last = max(first, r.first), max(last, r.last)
		}
	}
	return max(first, maxBody), last
}
