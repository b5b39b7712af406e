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

// base64Values holds, for the characters of both alphabets, one more than the value.
var base64Values = [256]uint8{
	'A': 1, 'B': 2, 'C': 3, 'D': 4, 'E': 5, 'F': 6, 'G': 7, 'H': 8, 'I': 9, 'J': 10, 'K': 11, 'L': 12, 'M': 13,
	'N': 14, 'O': 15, 'P': 16, 'Q': 17, 'R': 18, 'S': 19, 'T': 20, 'U': 21, 'V': 22, 'W': 23, 'X': 24, 'Y': 25, 'Z': 26,
	'a': 27, 'b': 28, 'c': 29, 'd': 30, 'e': 31, 'f': 32, 'g': 33, 'h': 34, 'i': 35, 'j': 36, 'k': 37, 'l': 38, 'm': 39,
	'n': 40, 'o': 41, 'p': 42, 'q': 43, 'r': 44, 's': 45, 't': 46, 'u': 47, 'v': 48, 'w': 49, 'x': 50, 'y': 51, 'z': 52,
	'0': 53, '1': 54, '2': 55, '3': 56, '4': 57, '5': 58, '6': 59, '7': 60, '8': 61, '9': 62, '+': 63, '-': 63, '/': 64, '_': 64,
}

// base64Value is the value of a character of either alphabet, 255 for others.
func base64Value(c byte) byte { return base64Values[c] - 1 }

// base64Like reports whether all of v could be base64 worth decoding.
func base64Like(v []byte) bool {
	if len(v) < 16 {
		return false
	}
	if !textHead(base64Value(v[0]), base64Value(v[1]), base64Value(v[2]), base64Value(v[3])) {
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

// textHead reports whether four characters of base64 may be the beginning of text.
// Most words and ids do not get beyond it.
func textHead(a, b, c, d byte) bool {
	if (a|b|c|d)&0xc0 != 0 {
		return false
	}
	x, y, z := a<<2|b>>4, b<<4|c>>2, c<<6|d
	if x >= 0xc2 {
		return y&0xc0 == 0x80
	}
	if y >= 0xc2 {
		return textByte(x) && z&0xc0 == 0x80
	}
	return textByte(x) && textByte(y) && (textByte(z) || z >= 0xc2)
}

// textByte reports a byte that is a character of text by itself.
func textByte(c byte) bool {
	return c-0x20 < 0x5f || c == '\n' || c == '\r' || c == '\t'
}
