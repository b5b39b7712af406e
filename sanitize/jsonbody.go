package sanitize

import (
	"bytes"
)

// jsonBody reads one or more JSON documents, with what people put around them:
// an anti-hijacking prefix, a JSONP call, record separators.
func (r *run) jsonBody(d *doc, lo, hi int, trunc bool) (end int, reason string) {
	src := d.src
	p := lo + prefixLen(src[lo:hi])
	call := false
	if n := jsonpLen(src[p:hi]); n > 0 {
		p += n
		call = true
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
			if e < hi {
				d.dropTail(e, hi)
			}
			switch {
			case st == jsonTooDeep:
				return hi, "too deep"
			case st == jsonCut && trunc:
				return hi, "truncated"
			}
			return hi, "malformed json"
		}
		p = e
		if call {
			q := skipSpace(src, p, hi)
			if q < hi && src[q] == ')' {
				q = skipSpace(src, q+1, hi)
				if q < hi && src[q] == ';' {
					q = skipSpace(src, q+1, hi)
				}
			}
			if q < hi {
				d.dropTail(q, hi)
				return hi, "malformed json"
			}
			return hi, ""
		}
		// Two scalars in a row need something between them.
		if p < hi && !isSpace(src[p]) && src[p] != '{' && src[p] != '[' && src[p] != 0x1e {
			d.dropTail(p, hi)
			return hi, "malformed json"
		}
	}
}

// prefixLen is the length of what keeps a JSON body from being run as a script,
// and of the packet type that Engine.IO puts before its arrays.
func prefixLen(b []byte) int {
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
func jsonpLen(b []byte) int {
	i := 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if bytes.HasPrefix(b[i:], []byte("/**/")) {
		i += 4
	}
	s := i
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
