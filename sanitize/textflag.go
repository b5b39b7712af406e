package sanitize

import (
	"bytes"
)

// dash looks at the "-" at i: a PEM block, a key with a dashed prefix, a
// command line flag.
func (r *run) dash(d *doc, floor, i, hi int) int {
	src := d.src
	if i+1 < hi && src[i+1] == '-' {
		if i+10 < hi && src[i+2] == '-' && src[i+3] == '-' {
			return r.pem(d, i, hi)
		}
		if i == floor || isSpace(src[i-1]) || src[i-1] == '"' || src[i-1] == '\'' {
			return r.flag(d, i, hi)
		}
		return 0
	}
	if i+3 < hi && src[i+1] == 'u' && (src[i+2] == ' ' || src[i+2] == '=') && (i == floor || isSpace(src[i-1])) {
		return r.userFlag(d, i+3, hi)
	}
	w := i
	for w > floor && i-w < 8 && isAlnum(src[w-1]) {
		w--
	}
	if w == i {
		return 0
	}
	return r.provider(d, floor, w, hi)
}

// userFlag hides the argument of curl's -u.
func (r *run) userFlag(d *doc, s, hi int) int {
	src := d.src
	for s < hi && (src[s] == ' ' || src[s] == '\'' || src[s] == '"') {
		s++
	}
	e := bareEnd(src, s, hi)
	c := bytes.IndexByte(src[s:e], ':')
	if c < 0 || c+1 == e-s || !r.rs.rules[ruleUserinfo].on {
		return 0
	}
	if !r.rs.isMarker(src[s+c+1 : e]) {
		r.mask(d, s+c+1, e, ruleUserinfo)
	}
	return e
}

// flag hides the argument of a long flag with a sensitive name that stands
// behind a space: --password hunter2. (With "=" it is a key and a value.)
func (r *run) flag(d *doc, i, hi int) int {
	src := d.src
	s := i + 2
	e := s
	for e < hi && (isAlnum(src[e]) || src[e] == '-' || src[e] == '_') {
		e++
	}
	if e == s || e+1 >= hi || src[e] != ' ' || src[e+1] == '-' {
		return 0
	}
	if string(src[s:e]) == "user" || string(src[s:e]) == "proxy-user" {
		return r.userFlag(d, e, hi)
	}
	dec := r.key(src[s:e], scopeText)
	if dec.rule == ruleNone || dec.flags&wCounter != 0 {
		return 0
	}
	v := e
	for v < hi && src[v] == ' ' {
		v++
	}
	if v >= hi || src[v] == '\n' {
		return 0
	}
	return r.hideValue(d, s, v, hi, '=', dec)
}
