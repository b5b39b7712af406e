package sanitize

import (
	"bytes"
)

// url sanitizes the URL src[lo:hi], absolute or relative.
func (r *run) url(d *doc, lo, hi int, trunc bool) {
	src := d.src
	p := lo
	host := lo
	var hostEnd int
	for p < hi && p-lo < 32 && (isAlnum(src[p]) || src[p] == '+' || src[p] == '-' || src[p] == '.') {
		p++
	}
	switch {
	case p+2 < hi && src[p] == ':' && src[p+1] == '/' && src[p+2] == '/':
		host, hostEnd = r.authority(d, p+3, hi, trunc)
	case p == lo && p+1 < hi && src[p] == '/' && src[p+1] == '/':
		host, hostEnd = r.authority(d, p+2, hi, trunc)
	case p > lo && p < hi && src[p] == ':':
		// data:, mailto:, urn: and opaque URLs are text.
		q := p
		for q < hi && src[q] != '?' && src[q] != '#' {
			q++
		}
		if bytes.HasPrefix(src[lo:p], []byte("data")) {
			q = hi
		}
		r.text(d, lo, q, scopeURL, trunc && q == hi)
		r.pairs(d, q, hi, trunc)
		return
	default:
		hostEnd = lo
	}
	if hostEnd >= hi {
		return
	}
	p = r.path(d, src[host:hostEnd], hostEnd, hi, trunc)
	if p+1 < hi && src[p] == '#' && src[p+1] == '/' { // the route of a page's script
		q := p + 1
		for q < hi && src[q] != '?' && src[q] != '=' {
			q++
		}
		if q == hi || src[q] == '?' {
			p = r.path(d, nil, p+1, hi, trunc)
		}
	}
	if p < hi {
		r.pairs(d, p, hi, trunc)
	}
}

// authority handles user information at s and returns where host and path
// begin.
func (r *run) authority(d *doc, s, hi int, trunc bool) (host, end int) {
	src := d.src
	e := s
	for e < hi && src[e] != '/' && src[e] != '?' && src[e] != '#' && src[e] != '\\' {
		e++
	}
	at := bytes.LastIndexByte(src[s:e], '@')
	if at < 0 && e < hi {
		// A password with an unescaped slash or the like: "kim:pa/ss@host".
		// What follows the colon is then no port.
		if c := bytes.IndexByte(src[s:e], ':'); c >= 0 && s+c+1 <= e && !allDigits(src[s+c+1:e]) && src[s] != '[' {
			if j := bytes.LastIndexByte(src[e:hi], '@'); j >= 0 {
				at = e + j - s
				e = s + at
				for e < hi && src[e] != '/' && src[e] != '?' && src[e] != '#' {
					e++
				}
			}
		}
	}
	if trunc && e == hi {
		// The authority may still turn out to be user information.
		d.dropTail(s, hi)
		return hi, hi
	}
	if at < 0 {
		return s, e
	}
	if at > 0 && r.rs.rules[ruleUserinfo].on && string(src[s:s+at]) != "git" && !r.rs.isMarker(src[s:s+at]) {
		r.mask(d, s, s+at, ruleUserinfo)
	}
	return s + at + 1, e
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// urlInText handles the URL whose "://" stands at i, in the middle of text.
func (r *run) urlInText(d *doc, floor, i, hi int, trunc bool) int {
	src := d.src
	s := i
	for s > floor && i-s < 32 && (isAlnum(src[s-1]) || src[s-1] == '+' || src[s-1] == '-' || src[s-1] == '.') {
		s--
	}
	e := i + 3
	for e < hi && urlByte(src[e]) {
		e++
	}
	if s == i {
		s = i + 1 // "//host" after something else
	}
	r.url(d, s, e, trunc && e == hi)
	return e
}

// urlByte reports bytes that can belong to a URL written in text.
func urlByte(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '"', '<', '>', '`', '\'', 0x1b, '\\':
		return false
	}
	return c >= 0x20
}

// queryInText handles "?key=" of a relative URL in the middle of text.
func (r *run) queryInText(d *doc, i, hi int, trunc bool) int {
	src := d.src
	p := i + 1
	for p < hi && p-i < 64 && (keyByte(src[p]) || src[p] == '[' || src[p] == ']') {
		p++
	}
	if p == i+1 || p >= hi || src[p] != '=' {
		return 0
	}
	e := p
	for e < hi && urlByte(src[e]) {
		e++
	}
	r.pairs(d, i, e, trunc && e == hi)
	return e
}
