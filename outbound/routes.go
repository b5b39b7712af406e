package outbound

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// routes finds the template that a URL's path was made from. It is a tree of the
// path's parts and immutable once made; the zero value has none.
type routes struct {
	text map[string]*routes // by the part itself
	name *routes            // for {name}
	rest *leaf              // for {name...}
	end  *leaf              // for a path that ends here
}

// leaf is where templates end, which may differ by method.
type leaf struct {
	methods map[string]string // template by method
	any     string            // of any other method
}

// add adds a template: "/v1/items/{id}", with or without a method before it.
func (n *routes) add(route string) error {
	method, path := "", route
	if route != "" && route[0] != '/' {
		method, path, _ = strings.Cut(route, " ")
	}
	if method == "" && path != route || path == "" || path[0] != '/' {
		return fmt.Errorf(`%q, want a path such as "/v1/items/{id}", with or without a method before it: "POST /v1/items"`, route)
	}
	if strings.ContainsAny(path, "?#") {
		return fmt.Errorf("%q has a query or a fragment, want the path alone", route)
	}
	if strings.Contains(path, "//") {
		// No cleaned path has one; ServeMux takes it for a wildcard.
		return fmt.Errorf("%q has an empty part between two slashes", route)
	}
	if len(path) > entry.MaxWord {
		return fmt.Errorf("%q… has %d bytes, at most %d", path[:64], len(path), entry.MaxWord)
	}
	var names []string
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		name, rest, err := partName(part)
		if err != nil {
			return fmt.Errorf("%q: %w", route, err)
		}
		if name != "" {
			for _, other := range names {
				if other == name {
					return fmt.Errorf("%q has {%s} twice", route, name)
				}
			}
			names = append(names, name)
		}
		switch {
		case rest && i < len(parts)-1:
			return fmt.Errorf("%q: {%s...} must be at the end", route, name)
		case rest:
			if n.rest == nil {
				n.rest = &leaf{}
			}
			return n.rest.add(method, path, route)
		case name != "":
			if n.name == nil {
				n.name = &routes{}
			}
			n = n.name
		default:
			if n.text == nil {
				n.text = make(map[string]*routes)
			}
			if n.text[part] == nil {
				n.text[part] = &routes{}
			}
			n = n.text[part]
		}
	}
	if n.end == nil {
		n.end = &leaf{}
	}
	return n.end.add(method, path, route)
}

var errBraces = errors.New("braces stand around a whole part of the path: /{name}/ or, at the end, /{name...}")

// partName returns the name in a part of a template, "" where it is a text.
func partName(part string) (name string, rest bool, err error) {
	if !strings.ContainsAny(part, "{}") {
		return "", false, nil
	}
	name, opened := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	name, rest = strings.CutSuffix(name, "...")
	if !opened || !closed || name == "" || strings.ContainsAny(name, "{} \t") {
		return "", false, errBraces
	}
	return name, rest, nil
}

func (l *leaf) add(method, path, route string) error {
	if method == "" {
		if l.any != "" {
			return fmt.Errorf("%q matches the same as %q", route, l.any)
		}
		l.any = path
		return nil
	}
	if other, ok := l.methods[method]; ok {
		return fmt.Errorf("%q matches the same as %q", route, method+" "+other)
	}
	if l.methods == nil {
		l.methods = make(map[string]string)
	}
	l.methods[method] = path
	return nil
}

func (l *leaf) of(method string) string {
	if l == nil {
		return ""
	}
	if path, ok := l.methods[method]; ok {
		return path
	}
	return l.any
}

// match returns the template of a URL's path, without a method, or "". It
// allocates nothing unless the path has an escaped slash.
func (n *routes) match(method string, u *url.URL) string {
	path, escaped := u.Path, u.RawPath != ""
	if escaped {
		path = u.EscapedPath()
	}
	if path == "" && u.Opaque == "" {
		path = "/" // as it is sent
	}
	if path == "" || path[0] != '/' {
		return ""
	}
	return n.find(method, path[1:], escaped)
}

// find goes down the tree by the parts of path, which has no slash in front. It
// visits each node at most once, however long a path is.
func (n *routes) find(method, path string, escaped bool) string {
	part, rest, more := strings.Cut(path, "/")
	if child := n.child(part, escaped); child != nil {
		if r := child.next(method, rest, more, escaped); r != "" {
			return r
		}
	}
	if n.name != nil && part != "" {
		if r := n.name.next(method, rest, more, escaped); r != "" {
			return r
		}
	}
	return n.rest.of(method)
}

// child returns the node for a text.
func (n *routes) child(part string, escaped bool) *routes {
	if escaped && strings.IndexByte(part, '%') >= 0 {
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
	}
	return n.text[part]
}

func (n *routes) next(method, rest string, more, escaped bool) string {
	if more {
		return n.find(method, rest, escaped)
	}
	return n.end.of(method)
}
