package sanitize

import (
	"bytes"
)

// jwt hides what begins with "eyJ" at s: a token of two or more parts whatever
// they hold, or one piece of base64 when it holds something sensitive.
func (r *run) jwt(d *doc, floor, s, hi int, trunc bool) int {
	src := d.src
	if s > floor && (isAlnum(src[s-1]) || src[s-1] == '_' || src[s-1] == '+') {
		return 0
	}
	e, parts, part := s, 1, 0
	for e < hi {
		c := src[e]
		if c == '.' {
			if e+1 < hi && (tokenByte(src[e+1]) || src[e+1] == '.') {
				parts++
				part = 0
				e++
				continue
			}
			break
		}
		if !tokenByte(c) && c != '+' && c != '/' && c != '=' {
			break
		}
		part++
		e++
	}
	if parts >= 2 && r.rs.rules[ruleJWT].on {
		r.mask(d, s, e, ruleJWT)
		return e
	}
	if e < hi && (src[e] == '\n' || src[e] == '\r' || src[e] == '\\') { // it may go on below
		if next, _ := r.wrapped(d, s, e, hi, trunc); next > 0 {
			return next
		}
	}
	if e-s >= 12 && r.base64Hides(src[s:e], trunc && e == hi) {
		r.mask(d, s, e, ruleOpaque)
		return e
	}
	return 0
}

// bearer looks at the "b" at i: "Bearer" or "Basic" and a credential.
func (r *run) bearer(d *doc, floor, i, hi int) int {
	src := d.src
	n := 0
	switch {
	case hi-i > 10 && src[i+1]|0x20 == 'e' && equalFold(src[i:i+6], "bearer"):
		n = 6
	case hi-i > 9 && src[i+1]|0x20 == 'a' && equalFold(src[i:i+5], "basic"):
		n = 5
	default:
		return 0
	}
	if i > floor && (isAlnum(src[i-1]) || src[i-1] == '_') || !r.rs.rules[ruleAuthorization].on {
		return 0
	}
	s := i + n
	if src[s] == '%' && s+3 < hi && src[s+1] == '2' && src[s+2] == '0' {
		s += 3
	} else {
		for s < hi && (src[s] == ' ' || src[s] == '\t') {
			s++
		}
		if s == i+n {
			return 0
		}
	}
	if m := r.rs.markerAt(src, s, hi); m > 0 {
		return m
	}
	e := s
	for e < hi && (tokenByte(src[e]) || src[e] == '.' || src[e] == '+' || src[e] == '/' || src[e] == '=' || src[e] == '~' || src[e] == '|' || src[e] == ':') {
		e++
	}
	for e > s && (src[e-1] == '.' || src[e-1] == ':') {
		e--
	}
	v := src[s:e]
	if n == 5 {
		if len(v) < 4 || !basicCredential(v) {
			return 0
		}
	} else if len(v) < 6 || !mixed(v) && len(v) < 24 {
		return 0
	}
	r.mask(d, s, e, ruleAuthorization)
	return e
}

// basicCredential reports whether v is base64 of something with a colon.
func basicCredential(v []byte) bool {
	var buf [96]byte
	out := appendBase64Decoded(buf[:0], v[:min(len(v), 120)])
	return textual(out) && bytes.IndexByte(out, ':') > 0
}

// tagInText hides the content of an XML element with a sensitive name in the
// middle of text: <password>hunter2</password>.
func (r *run) tagInText(d *doc, i, hi int) int {
	src := d.src
	p := i + 1
	if p >= hi || !isAlnum(src[p]) && src[p] < 0x80 {
		return 0
	}
	for p < hi && p-i < 80 && (keyByte(src[p]) || src[p] == ':') {
		p++
	}
	name := src[i+1 : p]
	if c := bytes.LastIndexByte(name, ':'); c >= 0 {
		name = name[c+1:]
	}
	dec := r.key(name, scopeText)
	if dec.rule == ruleNone {
		return 0
	}
	for p < hi && src[p] != '>' && src[p] != '<' {
		p++
	}
	if p >= hi || src[p] != '>' || src[p-1] == '/' {
		return 0
	}
	p++
	e := p
	for e < hi && src[e] != '<' {
		e++
	}
	if e < hi && bytes.HasPrefix(src[e:hi], []byte("<![CDATA[")) {
		if j := bytes.Index(src[e:hi], []byte("]]>")); j >= 0 {
			e += j + 3
		} else {
			e = hi
		}
	}
	if v := bytes.TrimSpace(src[p:e]); len(v) == 0 || r.rs.isMarker(v) || isLiteral(v) {
		return e
	}
	r.mask(d, p, e, dec.rule)
	return e
}
