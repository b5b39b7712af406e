package sanitize

import (
	"bytes"
)

// jsonBody reads one or more JSON documents, with what people put around them:
// an anti-hijacking prefix, a JSONP call, record separators.
func (r *run) jsonBody(d *doc, lo, hi int, trunc bool) (end int, reason string) {
	src := d.src
	p := lo + prefixLen(src[lo:hi])
	if n := r.rs.jsonpLen(src[p:hi]); n > 0 {
		return r.jsonp(d, p, p+n, hi, trunc)
	}
	for {
		for p < hi && (isSpace(src[p]) || src[p] == 0x1e) {
			p++
		}
		if p >= hi {
			if trunc {
				return hi, "truncated"
			}
			return hi, ""
		}
		e, st := r.json(d, p, hi)
		if st != jsonOK {
			d.dropTail(e, hi)
			return hi, jsonReason(st, trunc)
		}
		p = e
		// Two scalars in a row need something between them.
		if p < hi && !isSpace(src[p]) && src[p] != '{' && src[p] != '[' && src[p] != 0x1e {
			d.dropTail(p, hi)
			return hi, "malformed json"
		}
	}
}

// jsonp reads a script that calls a function with one JSON value. The value
// begins behind p, its caller's name at lo. What the name holds was chosen by
// the client, so that it is looked at too.
func (r *run) jsonp(d *doc, lo, p, hi int, trunc bool) (end int, reason string) {
	src := d.src
	r.callback(d, lo, p)
	e, st := r.json(d, p, hi)
	if st != jsonOK {
		d.dropTail(e, hi)
		return hi, jsonReason(st, trunc)
	}
	q := skipSpace(src, e, hi)
	if q == hi {
		return hi, jsonReason(jsonCut, trunc)
	}
	if src[q] == ')' {
		q = skipSpace(src, q+1, hi)
		if q < hi && src[q] == ';' {
			q = skipSpace(src, q+1, hi)
		}
		if q == hi {
			return hi, ""
		}
	}
	d.dropTail(q, hi)
	return hi, "malformed json"
}

// callback hides the name of a function whole when something is found in it:
// with a marker inside it would be a name no more.
func (r *run) callback(d *doc, lo, p int) {
	s := skipSpace(d.src, lo, p)
	e := s + bytes.LastIndexByte(d.src[s:p], '(')
	if r.rs.keysOnly || r.rs.markerAt(d.src, s, e) == e {
		return
	}
	m := d.mark()
	r.text(d, s, e, scopeText, false)
	for _, ed := range d.edits[m.edits:] {
		if ed.s >= 0 {
			d.undo(m)
			r.mask(d, s, e, ruleOpaque)
			return
		}
	}
}

func jsonReason(st jsonStatus, trunc bool) string {
	switch {
	case st == jsonTooDeep:
		return "too deep"
	case st == jsonCut && trunc:
		return "truncated"
	}
	return "malformed json"
}

// prefixLen is the length of what keeps a JSON body from being run as a script,
// and of the packet type that Engine.IO puts before its arrays.
func prefixLen(b []byte) int {
	if len(b) < 2 || b[0] == '[' || b[0] == '{' && b[1] != '}' { // nearly all
		return 0
	}
	for _, prefix := range [...]string{")]}',\n", ")]}'\n", ")]}',", ")]}'", ")]}", "for(;;);", "for (;;);", "while(1);", "while (1);", "{}&&"} {
		if len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix {
			return len(prefix)
		}
	}
	i := 0
	for i < len(b) && i < 4 && isDigit(b[i]) {
		i++
	}
	if i > 0 && i < len(b) && (b[i] == '[' || b[i] == '{') {
		return i
	}
	return 0
}

// jsonpLen is the length of "/**/callback(" when a JSON value follows.
func (rs *ruleset) jsonpLen(b []byte) int {
	if len(b) > 1 && (b[0] == '{' || b[0] == '[' && (b[1] == '{' || b[1] == '"' || b[1] == '[')) { // nearly all
		return 0
	}
	i := 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if bytes.HasPrefix(b[i:], []byte("/**/")) {
		i += 4
	}
	s := i
	if m := rs.markerAt(b, i, len(b)); m > 0 {
		i = m
	}
	for i < len(b) && i-s < 128 && (isAlnum(b[i]) || b[i] == '_' || b[i] == '$' || b[i] == '.') {
		i++
	}
	for i > s && i < len(b) && b[i] == ' ' {
		i++
	}
	if i == s || i >= len(b) || b[i] != '(' || isDigit(b[s]) {
		return 0
	}
	j := i + 1
	for j < len(b) && isSpace(b[j]) {
		j++
	}
	if j < len(b) && b[j] != '{' && b[j] != '[' && b[j] != '"' {
		return 0
	}
	return i + 1
}
