package sanitize

import "bytes"

// In a page the name and the value of a thing may stand in different text
// nodes: "password: <b>hunter2</b>", "<b>password</b>: hunter2".

// label is what the text before a tag said about the text behind it.
type label struct {
	dec    decision
	colon  bool // a separator follows the name
	opened bool // an element was opened since: all of its text is the value
}

// labelOf looks at the end of a text node for a name, with or without a
// separator behind it.
func (r *run) labelOf(v []byte) label {
	v = bytes.TrimSpace(v)
	n := len(v)
	if n == 0 {
		return label{}
	}
	colon := v[n-1] == ':' || v[n-1] == '='
	if colon {
		v = bytes.TrimSpace(v[:n-1])
	}
	ks, ke := keyBefore(v, 0, len(v))
	if ks >= ke {
		return label{}
	}
	dec := r.key(v[ks:ke], scopeText)
	if dec.rule == ruleNone && !dec.keep() && ke-ks <= 6 && lastWordOfTwo(v[ks:ke]) && ks > 1 && v[ks-1] == ' ' {
		j := ks - 1
		for j > 0 && ks-j < 24 && keyByte(v[j-1]) {
			j--
		}
		dec = r.key(v[j:ke], scopeText)
	}
	if dec.rule == ruleNone || dec.keep() {
		return label{}
	}
	return label{dec: dec, colon: colon}
}

// labelled hides what a label before the text n.src names, and reports whether
// it did.
func (r *run) labelled(n *doc, l label) bool {
	v := n.src
	s := len(v) - len(bytes.TrimLeft(v, " \t\r\n\u00a0"))
	if !l.colon {
		if s >= len(v) || v[s] != ':' && v[s] != '=' {
			return false
		}
		s++
		s += len(v[s:]) - len(bytes.TrimLeft(v[s:], " \t\r\n\u00a0"))
	}
	e := len(v)
	for e > s && isSpace(v[e-1]) {
		e--
	}
	if !l.opened && s < e {
		e = max(bareEnd(v, s, e), s+1)
	}
	if s >= e {
		return false
	}
	val := v[s:e]
	if first, _, _ := bytes.Cut(val, []byte(" ")); statusWord(first) || isLiteral(val) || r.rs.markerAt(v, s, len(v)) > 0 ||
		l.dec.flags&(wCounter|wStrings) != 0 && isNumber(val) {
		return false
	}
	r.mask(n, s, e, l.dec.rule)
	return true
}

// inlineElement reports elements that may stand between a name and its value.
func inlineElement(name []byte) bool {
	if len(name) > 6 {
		return false
	}
	var b [6]byte
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b[i] = c
	}
	switch string(b[:len(name)]) {
	case "b", "i", "u", "s", "q", "em", "strong", "code", "span", "font", "tt", "kbd", "samp", "var", "mark", "small", "big", "sub", "sup", "a", "pre", "td", "dd", "bdi", "bdo", "data", "br", "wbr", "ins", "del":
		return true
	}
	return false
}

// tagEnd returns the end of the tag of an inline element at v, 0 for anything
// else that begins with "<".
func tagEnd(src []byte, v, hi int) int {
	n := v + 1
	if n < hi && src[n] == '/' {
		n++
	}
	e := n
	for e < hi && isAlnum(src[e]) {
		e++
	}
	if e == n || !inlineElement(src[n:e]) {
		return 0
	}
	for e < hi && e-v < 256 && src[e] != '<' {
		if src[e] == '>' {
			return e + 1
		}
		e++
	}
	return 0
}
