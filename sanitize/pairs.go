package sanitize

import (
	"bytes"
)

// pairs sanitizes key=value pairs separated by "&", and by ";", "?" and "#"
// where what follows them is a pair again.
func (r *run) pairs(d *doc, lo, hi int, trunc bool) {
	src := d.src
	p := lo
	named := ruleNone // name=password: the rule of the value=… beside it
	slot, vs, ve := -1, 0, 0
	hidden := false // the pair before was hidden: what has no "=" belongs to it
	for p < hi {
		if c := src[p]; c == '&' || c == '?' || c == '#' || c == ';' || c == '\n' || c == '\r' || c == '!' && p == lo || c == '/' && p == lo+1 {
			p++
			continue
		}
		s := p
		eq := -1
		for p < hi {
			if c := src[p]; pairStops[c] {
				if c == '=' {
					if eq < 0 {
						eq = p
					}
				} else if r.pairEnd(src, p, hi, eq >= 0) {
					break
				}
			}
			p++
		}
		last := trunc && p == hi
		if eq < 0 {
			if hidden && !r.rs.isMarker(src[s:p]) && !r.tailOfMarker(src, s, p) {
				r.mask(d, s, p, d.lastRule())
			} else {
				r.encodedValue(d, s, p, scopeURL, last)
			}
			hidden = false
			if last {
				d.dropTail(s, hi)
			}
			continue
		}
		switch r.pairRole(src[s:eq]) {
		case roleName:
			if dec := r.key(src[eq+1:p], scopeBody); !last && p-eq < 64 && dec.rule != ruleNone && dec.rule != ruleUnlisted && dec.flags&(wCounter|wStrings) == 0 {
				named = dec.rule
			}
		case roleValue:
			if slot < 0 {
				slot, vs, ve = d.reserve(), eq+1, p
			}
		}
		hidden = r.pair(d, s, eq, p, last)
	}
	if slot >= 0 && vs < ve && (named != ruleNone || trunc) && !r.hidden(src[vs:ve]) {
		if named == ruleNone {
			named = ruleCut
		}
		ro := len(d.repl)
		d.repl = r.appendMarker(d.repl, named, src[vs:ve])
		d.edits[slot] = edit{s: vs, e: ve, ro: ro, rl: len(d.repl) - ro, rule: named}
	}
}

// pairRole recognises the two names of a pair that is written as two pairs:
// name=password&value=hunter2.
func (r *run) pairRole(k []byte) role {
	switch string(k) {
	case "name", "key", "field", "param":
		return roleName
	case "value", "val":
		return roleValue
	}
	return roleNone
}

func (r *run) tailOfMarker(src []byte, s, e int) bool {
	return r.rs.markerAt(src, s, e) == e
}

// lastRule is the rule of the last edit.
func (d *doc) lastRule() ruleID {
	if n := len(d.edits); n > 0 && d.edits[n-1].rule != ruleNone {
		return d.edits[n-1].rule
	}
	return ruleCut
}

// pairStops are the bytes that may end a pair, and the one in its middle.
var pairStops = [256]bool{'&': true, '\n': true, '\r': true, '#': true, ';': true, '?': true, '=': true}

// pairEnd reports whether the pair ends at p, where one of those bytes stands.
func (r *run) pairEnd(src []byte, p, hi int, value bool) bool {
	switch src[p] {
	case '&', '\n', '\r':
		return true
	case '#':
		return value || true
	case ';', '?':
		if src[p] == ';' && !value {
			return !(p >= 3 && string(src[p-3:p]) == "amp") // "&amp;" leaves "amp;" before the key
		}
		j := p + 1
		for j < hi && j-p < 64 && (keyByte(src[j]) || src[j] == '[' || src[j] == ']' || src[j] == ' ' && j == p+1) {
			j++
		}
		return j > p+1 && j < hi && src[j] == '='
	}
	return false
}

// pair handles one key=value and reports whether the value was hidden.
func (r *run) pair(d *doc, s, eq, e int, trunc bool) bool {
	src := d.src
	ks := s
	if bytes.HasPrefix(src[s:eq], []byte("amp;")) {
		ks += 4
	}
	for ks < eq && src[ks] == ' ' {
		ks++
	}
	dec := r.key(src[ks:eq], scopeURL)
	v := eq + 1
	if dec.rule == ruleNone {
		if eq-ks > 5 && !dec.keep() {
			r.encodedValue(d, ks, eq, scopeURL, false)
		}
		r.encodedValue(d, v, e, scopeURL, trunc)
		if trunc {
			d.dropTail(v, e)
		}
		return false
	}
	if v == e {
		return false
	}
	val := src[v:e]
	if isLiteral(val) || dec.flags&(wCounter|wStrings) != 0 && isNumber(val) {
		if trunc {
			d.dropTail(v, e)
		}
		return false
	}
	if r.hidden(val) {
		return true
	}
	r.mask(d, v, e, dec.rule)
	return true
}

// hidden reports whether a form value is a marker, plain or percent-encoded.
func (r *run) hidden(v []byte) bool {
	if r.rs.isMarker(v) {
		return true
	}
	if len(v) > 12 && v[0] == '%' {
		var buf [80]byte
		return r.rs.isMarker(appendPercentDecoded(buf[:0], v[:min(len(v), 100)], true))
	}
	return false
}
