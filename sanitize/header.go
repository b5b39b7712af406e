package sanitize

import (
	"bytes"
	"strings"
)

// headerLines sanitizes "Name: value" lines. A line that begins with white
// space goes on with the value before it.
func (r *run) headerLines(d *doc, lo, hi int, trunc bool) {
	src := d.src
	for p := lo; p < hi; {
		ls := p
		le := nextLine(src, p, hi)
		for le < hi && (src[le] == ' ' || src[le] == '\t') {
			le = nextLine(src, le, hi)
		}
		p = le
		e := le
		for e > ls && (src[e-1] == '\n' || src[e-1] == '\r') {
			e--
		}
		cut := trunc && le == hi && e == hi
		c := bytes.IndexByte(src[ls:e], ':')
		if c <= 0 || !headerName(src[ls:ls+c]) {
			r.text(d, ls, e, scopeHeader, cut)
			continue
		}
		v := ls + c + 1
		for v < e && (src[v] == ' ' || src[v] == '\t') {
			v++
		}
		r.headerValue(d, src[ls:ls+c], v, e, cut)
	}
}

// nextLine returns where the line after the one at p begins.
func nextLine(src []byte, p, hi int) int {
	if j := bytes.IndexByte(src[p:hi], '\n'); j >= 0 {
		return p + j + 1
	}
	return hi
}

func headerName(n []byte) bool {
	for _, c := range n {
		if !isAlnum(c) && c < 0x80 && strings.IndexByte("-_.!#$%&'*+^`|~", c) < 0 {
			return false
		}
	}
	return len(n) < 128
}

// headerValue sanitizes the value src[s:e] of a header.
func (r *run) headerValue(d *doc, name []byte, s, e int, trunc bool) {
	src := d.src
	for s < e && isSpace(src[s]) {
		s++
	}
	if s == e {
		return
	}
	if len(name) <= 10 {
		switch {
		case len(name) == 6 && equalFold(name, "cookie"), len(name) == 7 && equalFold(name, "cookie2"):
			r.cookies(d, s, e, trunc)
			return
		case len(name) == 10 && equalFold(name, "set-cookie"):
			r.setCookie(d, s, e, trunc)
			return
		}
	}
	dec := r.key(name, scopeHeader)
	if dec.rule == ruleNone {
		if len(name) == len(websocketProtocol) && equalFold(name, websocketProtocol) {
			r.subprotocols(d, s, e, trunc)
			return
		}
		r.inspect(d, s, e, scopeHeader, trunc)
		return
	}
	v := src[s:e]
	if r.rs.isMarker(v) || isLiteral(v) && !trunc || dec.flags&(wCounter|wStrings) != 0 && isNumber(v) && !trunc {
		return
	}
	if n := schemeLen(v); n > 0 && n < len(v) {
		c := s + n
		for c < e && isSpace(src[c]) {
			c++
		}
		if c < e {
			if !r.rs.isMarker(src[c:e]) {
				r.mask(d, c, e, dec.rule)
			}
			return
		}
	}
	r.mask(d, s, e, dec.rule)
}

// cookies sanitizes a Cookie value: values are hidden unless their name is
// listed as harmless; names stay.
func (r *run) cookies(d *doc, s, e int, trunc bool) {
	for p := s; p < e; {
		q := e
		if j := bytes.IndexByte(d.src[p:e], ';'); j >= 0 {
			q = p + j
		}
		r.cookie(d, p, q, trunc && q == e)
		p = q + 1
	}
}

func (r *run) cookie(d *doc, s, e int, trunc bool) {
	src := d.src
	for s < e && isSpace(src[s]) {
		s++
	}
	for e > s && isSpace(src[e-1]) {
		e--
	}
	if s == e {
		return
	}
	eq := bytes.IndexByte(src[s:e], '=')
	if eq < 0 {
		if trunc {
			d.dropTail(s, e)
		} else if r.rs.rules[ruleCookie].on && !r.rs.isMarker(src[s:e]) {
			r.mask(d, s, e, ruleCookie)
		}
		return
	}
	name, v := src[s:s+eq], s+eq+1
	if v == e {
		return
	}
	if r.rs.cookies[string(lowerName(name))] {
		r.encodedValue(d, v, e, scopeCookie, trunc)
		if trunc {
			d.dropTail(v, e)
		}
		return
	}
	dec := r.key(name, scopeCookie)
	if dec.keep() {
		r.encodedValue(d, v, e, scopeCookie, trunc)
		return
	}
	rule := dec.rule
	if rule == ruleNone || rule == ruleUnlisted {
		rule = ruleCookie
	}
	if !r.rs.rules[rule].on {
		r.encodedValue(d, v, e, scopeCookie, trunc)
		return
	}
	if !r.hidden(src[v:e]) {
		r.mask(d, v, e, rule)
	}
}

func lowerName(n []byte) []byte {
	for _, c := range n {
		if 'A' <= c && c <= 'Z' {
			return bytes.ToLower(n)
		}
	}
	return n
}

// setCookie sanitizes a Set-Cookie value, attributes kept. Several cookies may
// have been folded into one value with commas.
func (r *run) setCookie(d *doc, s, e int, trunc bool) {
	src := d.src
	first := true
	for p := s; p < e; {
		q := p
		for q < e && src[q] != ';' && !(src[q] == ',' && !first && newCookie(src[q+1:e])) {
			q++
		}
		last := trunc && q == e
		switch {
		case first:
			r.cookie(d, p, q, last)
			first = false
		default:
			r.cookieAttribute(d, p, q, last)
		}
		if q < e && src[q] == ',' {
			first = true
		}
		p = q + 1
	}
}

// newCookie reports whether a name and "=" follow a comma.
func newCookie(v []byte) bool {
	i := 0
	for i < len(v) && v[i] == ' ' {
		i++
	}
	n := i
	for i < len(v) && v[i] > ' ' && v[i] != ';' && v[i] != ',' && v[i] != '=' {
		i++
	}
	return i > n && i < len(v) && v[i] == '='
}

func (r *run) cookieAttribute(d *doc, s, e int, trunc bool) {
	src := d.src
	for s < e && isSpace(src[s]) {
		s++
	}
	name, _, has := bytes.Cut(src[s:e], []byte("="))
	name = bytes.TrimSpace(name)
	switch string(bytes.ToLower(name)) {
	case "expires", "max-age", "secure", "httponly", "samesite", "priority", "partitioned", "version":
	case "path", "domain", "comment":
		if has {
			r.text(d, s+len(name)+1, e, scopeURL, trunc)
		}
	default:
		r.cookie(d, s, e, trunc)
	}
	if trunc {
		d.dropTail(min(s+len(name)+1, e), e)
	}
}
