package sanitize

import (
	"bytes"
)

// keyValue looks at the "=" or ":" at i: is what stands before it a sensitive
// key? It returns the end of the value it hid, or 0.
func (r *run) keyValue(d *doc, floor, i, hi int, sc scope, trunc bool) int {
	src := d.src
	if src[i] == '=' && i > floor && src[i-1] == ')' && i+2 < hi && src[i+1] == '(' {
		return r.keyTuple(d, floor, i, hi)
	}
	ks, ke := keyBefore(src, floor, i)
	if ks >= ke {
		return 0
	}
	if src[i] == ':' && castAt(src, i, hi) {
		return 0
	}
	if src[i] == ':' && ke-ks == 5 && i+3 < hi && src[i+2] == '\'' && string(src[ks:ke]) == "value" {
		return r.quotedFor(d, i+2, hi, trunc)
	}
	if src[i] == ':' && ke-ks == 4 && string(src[ks:ke]) == "data" {
		return r.dataURL(d, i, hi, trunc)
	}
	if sc == scopeBody {
		sc = scopeText
	}
	if src[i] == '=' && ks > 0 && (src[ks-1] == '&' || src[ks-1] == '?') {
		sc = scopeURL // a piece of a query
	}
	if src[i] == ':' && ke-ks == len(websocketProtocol) && equalFold(src[ks:ke], websocketProtocol) {
		e := lineEnd(src, i, hi)
		for k := i + 1; k < e; k++ { // as in -H 'Sec-WebSocket-Protocol: …'
			if src[k] == '\'' || src[k] == '"' {
				e = k
			}
		}
		r.subprotocols(d, i+1, e, trunc && e == hi)
		return e
	}
	if src[i] == ':' && ks > floor && src[ks-1] == '/' && fileName(src[ks:ke]) {
		return 0
	}
	dec := r.key(src[ks:ke], sc)
	if dec.rule == ruleNone && !dec.keep() && ke-ks <= 6 && lastWordOfTwo(src[ks:ke]) {
		// "api key: x", "Card Number=x": the word before belongs to it.
		if j := ks; j > floor && src[j-1] == ' ' {
			j--
			for j > floor && ks-j < 24 && keyByte(src[j-1]) {
				j--
			}
			dec = r.key(src[j:ke], sc)
		}
	}
	if dec.rule == ruleNone {
		return 0
	}
	v := i + 1
	for n := 0; v < hi && n < 2 && (src[v] == '=' || src[v] == '>'); n++ {
		v++
	}
	for v < hi && (src[v] == ' ' || src[v] == '\t') {
		v++
	}
	for n := 0; v < hi && src[v] == '<' && n < 4; n++ { // password: <b>…
		t := tagEnd(src, v, hi)
		if t == 0 {
			break
		}
		for v = t; v < hi && (src[v] == ' ' || src[v] == '\t'); {
			v++
		}
	}
	if v >= hi || src[v] == '\n' || src[v] == '\r' {
		v = indentedBelow(src, v, hi)
		if v == 0 {
			return 0
		}
	}
	return r.hideValue(d, ks, v, hi, src[i], dec)
}

// indentedBelow finds a value on the next line, when that line is indented.
func indentedBelow(src []byte, v, hi int) int {
	if v < hi && src[v] == '\r' {
		v++
	}
	if v+2 < hi && src[v] == '\n' && (src[v+1] == ' ' || src[v+1] == '\t') {
		v++
		for v < hi && (src[v] == ' ' || src[v] == '\t') {
			v++
		}
		if v < hi && !isSpace(src[v]) && src[v] != '-' {
			return v
		}
	}
	return 0
}

// fileName reports a name with an extension: "open /run/token.json: denied".
func fileName(n []byte) bool {
	dot := bytes.LastIndexByte(n, '.')
	return dot > 0 && len(n)-dot >= 3 && len(n)-dot <= 6
}

func lastWordOfTwo(w []byte) bool {
	var b [6]byte
	for i, c := range w {
		b[i] = c | 0x20
	}
	switch string(b[:len(w)]) {
	case "key", "keys", "id", "number", "no", "code", "num", "data":
		return true
	}
	return false
}

func keyByte(c byte) bool {
	return isAlnum(c) || c == '_' || c == '-' || c == '.' || c == '%' || c == '$' || c == '\\' || c == '@' || c >= 0x80
}

// keyBefore finds the key that ends before the separator at i: a quoted one, or
// a run of name characters with subscripts.
func keyBefore(src []byte, floor, i int) (ks, ke int) {
	const maxKey = 80
	k := i
	for n := 0; k > floor && n < 4 && (src[k-1] == ' ' || src[k-1] == '\t'); n++ {
		k--
	}
	for n := 0; k > floor && n < 3 && src[k-1] == '*'; n++ {
		k--
	}
	if k == floor {
		return 0, 0
	}
	if q := src[k-1]; q == '"' || q == '\'' || q == '`' {
		ke = k - 1
		for ke > floor && src[ke-1] == '\\' {
			ke--
		}
		ks = ke
		for ks > floor && ke-ks < maxKey && src[ks-1] != q && src[ks-1] != '\n' {
			ks--
		}
		return ks, ke
	}
	ke = k
	ks = ke
	for ks > floor && ke-ks < maxKey {
		c := src[ks-1]
		if c == ']' {
			if m := markerBefore(src, floor, ks); m > 0 {
				ks = m - 1
				continue
			}
		}
		switch {
		case keyByte(c), c == '[', c == ']':
		case (c == '"' || c == '\'') && (ks < ke && src[ks] == ']' || ks-2 >= floor && src[ks-2] == '['):
		default:
			return ks, ke
		}
		ks--
	}
	return ks, ke
}

// markerBefore returns one more than where the marker that ends at e begins.
func markerBefore(src []byte, floor, e int) int {
	i := bytes.LastIndexByte(src[max(floor, e-80):e], '[')
	if i < 0 {
		return 0
	}
	i += max(floor, e-80)
	if bytes.HasPrefix(src[i:e], []byte("[masked:")) && bytes.IndexByte(src[i:e], ']') == e-i-1 {
		return i + 1
	}
	return 0
}

// hideValue hides the value that begins at v under a sensitive key.
func (r *run) hideValue(d *doc, ks, v, hi int, sep byte, dec decision) int {
	src := d.src
	if m := r.rs.markerAt(src, v, hi); m > 0 && (bareEnd(src, m, hi) == m || bareEnd(src, v, hi) == m) {
		return m
	}
	// A quoted value.
	if open, q, nb := quoteAt(src, v, hi); open > 0 {
		s := v + open
		e := quoteEnd(src, s, hi, q, nb, open)
		if s == e || r.rs.isMarker(src[s:e]) {
			return max(min(e+open, hi), v+1)
		}
		if dec.rule == ruleAuthorization {
			return r.hideCredential(d, s, e, hi, dec.rule)
		}
		if m := r.markerPrefix(src, s, e); m {
			return e
		}
		r.mask(d, s, e, dec.rule)
		return e
	}
	// A structure.
	if c := src[v]; c == '{' || c == '[' || c == '(' && v+1 < hi && src[v+1] != '*' {
		if dec.flags&wStrings != 0 && c != '[' {
			return 0
		}
		e := balancedEnd(src, v, hi)
		r.mask(d, v, e, dec.rule)
		return e
	}
	if c := src[v]; c == '|' || c == '>' {
		if blockScalar(src[v:hi]) {
			return 0 // the YAML reader's business; in text the lines below are looked at
		}
	}
	end := bareEnd(src, v, hi)
	if end == v {
		return 0
	}
	val := src[v:end]
	if r.rs.isMarker(val) || isLiteral(val) {
		return end
	}
	if dec.flags&(wCounter|wStrings) != 0 && isNumber(val) {
		return end
	}
	if sep == ':' && statusWord(val) {
		return 0 // "invalid token: expired" is about a token
	}
	line := dec.rule == ruleAuthorization || dec.rule == ruleCookie && sep == ':'
	if line {
		stop := lineEnd(src, v, hi)
		if ks > 0 {
			if q := src[ks-1]; q == '\'' || q == '"' || q == '`' { // as in -H 'Authorization: …'
				if j := bytes.IndexByte(src[v:stop], q); j >= 0 {
					stop = v + j
					for stop > v && src[stop-1] == '\\' {
						stop--
					}
				}
			}
		}
		if dec.rule == ruleAuthorization {
			return r.hideCredential(d, v, stop, hi, dec.rule)
		}
		if r.onlyMarkers(src[v:stop]) {
			return stop
		}
		r.mask(d, v, stop, dec.rule)
		return stop
	}
	if n := schemeLen(val); n == len(val) && end+1 < hi && src[end] == ' ' { // token: Bearer x
		s := end
		for s < hi && src[s] == ' ' {
			s++
		}
		if m := r.rs.markerAt(src, s, hi); m > 0 && bareEnd(src, m, hi) == m {
			return m
		}
		if e := bareEnd(src, s, hi); e > s {
			r.mask(d, s, e, dec.rule)
			return e
		}
	}
	r.mask(d, v, end, dec.rule)
	return end
}

// statusWord reports words that follow "token:" or "password:" in messages
// about one.
func statusWord(v []byte) bool {
	switch string(v) {
	case "expired", "invalid", "missing", "required", "must", "is", "not", "unexpected", "unknown", "malformed", "revoked", "cannot", "failed", "has",
		"wrong", "empty", "expected", "too", "should", "no", "the", "incorrect", "unauthorized", "denied", "does", "contains", "could", "unable", "never", "already", "was":
		return true
	}
	return false
}

// onlyMarkers reports whether each of the space-separated words of v has been
// treated: name=[masked:…]; or a marker.
func (r *run) onlyMarkers(v []byte) bool {
	return r.rs.isMarker(bytes.TrimSpace(v))
}
