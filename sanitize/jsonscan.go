package sanitize

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// What a string scan saw.
const (
	sawEscape uint8 = 1 << iota
	sawHigh
)

const (
	swarOnes  = 0x0101010101010101
	swarHighs = 0x8080808080808080
	swarQuote = '"' * swarOnes
	swarSlash = '\\' * swarOnes
	swarSpace = 0x20 * swarOnes
)

// eight returns the eight bytes at src[i]. Written as three indexes, it costs comparing
// them and nothing that the load has to wait for.
func eight(src []byte, i int) uint64 { return binary.LittleEndian.Uint64(src[i : i+8 : len(src)]) }

// scanString returns the index of the quote that closes the string whose first
// byte is src[i], and what was seen on the way; -1 at the end of the input,
// -2 at a control character or a bad escape.
func scanString(src []byte, i int) (int, uint8) {
	saw := uint8(0)
	for {
		for i+8 <= len(src) {
			w := eight(src, i)
			// The high bit of each byte that is a quote, a backslash or a control
			// character; also, behind such a byte, of one that is not.
			m := (((w ^ swarQuote) - swarOnes) | ((w ^ swarSlash) - swarOnes) | (w - swarSpace)) &^ w & swarHighs
			if w&swarHighs != 0 {
				// Only what stands before the closing quote counts.
				if m == 0 {
					saw |= sawHigh
				} else if w&swarHighs&(m-1)&^m != 0 {
					saw |= sawHigh
				}
			}
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
			goto found
		}
		for i < len(src) {
			c := src[i]
			if c == '"' || c == '\\' || c < 0x20 {
				goto found
			}
			if c >= utf8.RuneSelf {
				saw |= sawHigh
			}
			i++
		}
		return -1, saw
	found:
		switch src[i] {
		case '"':
			return i, saw
		case '\\':
			saw |= sawEscape
			if i+1 >= len(src) {
				return -1, saw
			}
			switch src[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				for k := i + 2; k < i+6; k++ {
					if k >= len(src) {
						return -1, saw
					}
					if hexVal(src[k]) < 0 {
						return -2, saw
					}
				}
				i += 6
			default:
				return -2, saw
			}
		default:
			return -2, saw
		}
	}
}

// validText reports whether src[i:e], which a byte of ASCII follows, is valid UTF-8.
// Runes of two and three bytes, as Hangul has, are told from eight bytes at once,
// which may be more than belong to the text: a rune does not reach beyond it, since
// what follows is none of its bytes.
func validText(src []byte, i, e int) bool {
	for i < e && len(src)-i >= 8 {
		w := eight(src, i)
		switch {
		case w&0x80 == 0:
			i += min(8, bits.TrailingZeros64(w&swarHighs)>>3)
		case w&0xc0c0f0 == 0x8080e0 && (w&0xf != 0 || w&0x2000 != 0) && (w&0xf != 0xd || w&0x2000 == 0):
			i += 3 // and neither too long for what it says, nor half of a surrogate pair
		case w&0xc0e0 == 0x80c0 && w&0x1e != 0:
			i += 2
		default:
			return utf8.Valid(src[i:e])
		}
	}
	return i >= e || utf8.Valid(src[i:e])
}

// scanNumber returns the end of the number at src[i], -2 when it is none, and
// -1 when the input ends where the number is not complete.
func scanNumber(src []byte, i int) int {
	n := len(src)
	if src[i] == '-' {
		i++
		if i == n {
			return -1
		}
	}
	switch {
	case src[i] == '0':
		i++
	case src[i]-'1' < 9:
		i++
		for i < n && src[i]-'0' < 10 {
			i++
		}
	default:
		return -2
	}
	if i < n && src[i] == '.' {
		i++
		if i == n {
			return -1
		}
		if src[i]-'0' >= 10 {
			return -2
		}
		for i < n && src[i]-'0' < 10 {
			i++
		}
	}
	if i < n && src[i]|0x20 == 'e' {
		i++
		if i < n && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if i == n {
			return -1
		}
		if src[i]-'0' >= 10 {
			return -2
		}
		for i < n && src[i]-'0' < 10 {
			i++
		}
	}
	return i
}

// scanLiteral returns the end of true, false or null at src[i], -1 or -2.
func scanLiteral(src []byte, i int) int {
	var want string
	switch src[i] {
	case 't':
		want = "true"
	case 'f':
		want = "false"
	case 'n':
		want = "null"
	default:
		return -2
	}
	for k := range len(want) {
		if i+k >= len(src) {
			return -1
		}
		if src[i+k] != want[k] {
			return -2
		}
	}
	return i + len(want)
}
