package sanitize

import (
	"bytes"
	"html"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/unicode/norm"
)

func isAlnum(c byte) bool {
	return c-'0' < 10 || (c|0x20)-'a' < 26
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func hexVal(c byte) int {
	switch {
	case c-'0' < 10:
		return int(c - '0')
	case c-'a' < 6:
		return int(c-'a') + 10
	case c-'A' < 6:
		return int(c-'A') + 10
	}
	return -1
}

func hex4(b []byte) rune {
	var v rune
	for _, c := range b[:4] {
		h := hexVal(c)
		if h < 0 {
			return -1
		}
		v = v<<4 | rune(h)
	}
	return v
}

// appendUnescaped undoes backslash escapes as JSON and the C family write
// them. What is not an escape is copied.
func appendUnescaped(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		j := bytes.IndexByte(src[i:], '\\')
		if j < 0 || i+j+1 >= len(src) {
			return append(dst, src[i:]...)
		}
		dst = append(dst, src[i:i+j]...)
		i += j + 1
		c := src[i]
		i++
		switch c {
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case '"', '\\', '/', '\'':
			dst = append(dst, c)
		case 'x':
			if i+2 <= len(src) && hexVal(src[i]) >= 0 && hexVal(src[i+1]) >= 0 {
				dst = utf8.AppendRune(dst, rune(hexVal(src[i])<<4|hexVal(src[i+1])))
				i += 2
				continue
			}
			dst = append(dst, '\\', c)
		case 'u':
			if i+4 > len(src) {
				dst = append(dst, '\\', c)
				continue
			}
			v := hex4(src[i:])
			if v < 0 {
				dst = append(dst, '\\', c)
				continue
			}
			i += 4
			if utf16.IsSurrogate(v) && i+6 <= len(src) && src[i] == '\\' && src[i+1] == 'u' {
				if lo := hex4(src[i+2:]); lo >= 0 {
					if dec := utf16.DecodeRune(v, lo); dec != utf8.RuneError {
						v = dec
						i += 6
					}
				}
			}
			dst = utf8.AppendRune(dst, v)
		default:
			dst = append(dst, '\\', c)
		}
	}
	return dst
}

// appendJSONEscaped writes s as the inside of a JSON string. Bytes that are
// not UTF-8 become U+FFFD.
func appendJSONEscaped(dst, s []byte) []byte {
	const hexDigits = "0123456789abcdef"
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20 && c < utf8.RuneSelf:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			_, n := utf8.DecodeRune(s[i:])
			if n == 1 {
				dst = append(dst, "\ufffd"...)
			} else {
				dst = append(dst, s[i:i+n]...)
			}
			i += n
			continue
		}
		i++
	}
	return dst
}

// appendPercentDecoded undoes percent-encoding, and "+" where plus is set.
func appendPercentDecoded(dst, src []byte, plus bool) []byte {
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c == '%' && i+2 < len(src) {
			if h, l := hexVal(src[i+1]), hexVal(src[i+2]); h >= 0 && l >= 0 {
				dst = append(dst, byte(h<<4|l))
				i += 2
				continue
			}
		} else if c == '+' && plus {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// appendPercentEncoded encodes what cannot stand in a query value. Markers
// stay readable.
func appendPercentEncoded(dst, s []byte) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '[' && bytes.HasPrefix(s[i:], []byte("[masked:")) {
			if j := bytes.IndexByte(s[i:], ']'); j > 0 {
				dst = append(dst, s[i:i+j+1]...)
				i += j
				continue
			}
		}
		if isAlnum(c) || c == '-' || c == '_' || c == '.' || c == '~' || c == '/' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

func appendEntityDecoded(dst, src []byte) []byte {
	if bytes.IndexByte(src, '&') < 0 {
		return append(dst, src...)
	}
	return append(dst, html.UnescapeString(string(src))...)
}

// appendEntityEncoded writes s as XML character data or attribute value.
func appendEntityEncoded(dst, s []byte) []byte {
	for _, c := range s {
		switch c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&#34;"...)
		case '\'':
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendEUCKR decodes EUC-KR (and CP949, its superset).
func appendEUCKR(dst, src []byte) []byte {
	out, err := korean.EUCKR.NewDecoder().Bytes(src)
	if err != nil {
		return append(dst, src...)
	}
	return append(dst, out...)
}

// appendPlain removes what hides text from a matcher and not from a reader:
// terminal colours, invisible characters, \u escapes, full-width forms.
func appendPlain(dst, src []byte) []byte {
	start := len(dst)
	fold := false
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == 0x1b:
			i = skipANSI(src, i)
			continue
		case c == '\\' && i+5 < len(src) && src[i+1] == 'u' && hex4(src[i+2:]) >= 0:
			n := 6
			if utf16.IsSurrogate(hex4(src[i+2:])) {
				n = min(12, len(src)-i)
			}
			dst = appendUnescaped(dst, src[i:i+n])
			i += n
			fold = true
			continue
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
			continue
		}
		ru, n := utf8.DecodeRune(src[i:])
		if n == 1 || !invisible(ru) {
			dst = append(dst, src[i:i+n]...)
		}
		fold = fold || ru >= 0xFF00 && ru < 0xFFF0
		i += n
	}
	if fold {
		plain := norm.NFKC.Bytes(dst[start:])
		dst = append(dst[:start], plain...)
	}
	return dst
}

// skipANSI returns the end of the terminal escape sequence at src[i].
func skipANSI(src []byte, i int) int {
	i++
	if i < len(src) && src[i] == '[' {
		i++
		for i < len(src) && src[i] >= 0x20 && src[i] < 0x40 {
			i++
		}
		if i < len(src) && src[i] >= 0x40 && src[i] < 0x7f {
			i++
		}
		return i
	}
	if i < len(src) && src[i] == ']' { // OSC, ended by BEL or ESC \
		for j := i; j < len(src) && j < i+256; j++ {
			if src[j] == 7 {
				return j + 1
			}
			if src[j] == 0x1b {
				return min(j+2, len(src))
			}
		}
	}
	return i
}
