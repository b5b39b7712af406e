package sanitize

import (
	"unicode/utf8"
)

// base64Hides reports whether v is base64 of text in which something would be
// hidden.
func (r *run) base64Hides(v []byte, trunc bool) bool {
	if !r.rs.rules[ruleOpaque].on {
		return false
	}
	n := r.push(len(v))
	if n == nil {
		return true
	}
	defer r.pop()
	n.buf = appendBase64Decoded(n.buf, v)
	n.src = n.buf
	if !textual(n.src) {
		return false
	}
	r.inspect(n, 0, len(n.src), scopeText, trunc)
	return n.changed(mark{})
}

// appendBase64Decoded decodes either alphabet, with or without padding. It
// stops at the first thing that is neither.
func appendBase64Decoded(dst, v []byte) []byte {
	var acc uint32
	bits := 0
	for _, c := range v {
		var x uint32
		switch {
		case c-'A' < 26:
			x = uint32(c - 'A')
		case c-'a' < 26:
			x = uint32(c-'a') + 26
		case c-'0' < 10:
			x = uint32(c-'0') + 52
		case c == '+' || c == '-':
			x = 62
		case c == '/' || c == '_':
			x = 63
		case c == '\n' || c == '\r':
			continue
		default:
			return dst
		}
		acc = acc<<6 | x
		bits += 6
		if bits >= 8 {
			bits -= 8
			dst = append(dst, byte(acc>>bits))
		}
	}
	return dst
}

// textual reports whether b is text: UTF-8 (possibly cut) without control
// characters.
func textual(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		ru, n := utf8.DecodeRune(b[i:])
		if ru == utf8.RuneError && n == 1 {
			return len(b)-i < 4 && !utf8.FullRune(b[i:])
		}
		i += n
	}
	return true
}

// base64Value is the value of a character of either alphabet, 255 for others.
func base64Value(c byte) byte {
	switch {
	case c-'A' < 26:
		return c - 'A'
	case c-'a' < 26:
		return c - 'a' + 26
	case c-'0' < 10:
		return c - '0' + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return 255
}

// base64Like reports whether all of v could be base64 worth decoding.
func base64Like(v []byte) bool {
	if len(v) < 16 {
		return false
	}
	// Most ids do not get beyond their first characters.
	a, b := base64Value(v[0]), base64Value(v[1])
	if c := a<<2 | b>>4; a > 63 || b > 63 || c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c >= 0x7f && c < 0xC2 {
		return false
	}
	for _, c := range v[2:16] {
		if base64Value(c) > 63 && c != '=' {
			return false
		}
	}
	var head [12]byte
	if !textual(appendBase64Decoded(head[:0], v[:16])) {
		return false
	}
	for i, c := range v {
		if !tokenByte(c) && c != '+' && c != '/' && !(c == '=' && i >= len(v)-2) {
			return false
		}
	}
	return true
}
