package entry

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// appendString appends s as a JSON string of valid UTF-8: an invalid byte becomes
// U+FFFD, since one such byte makes Cloud Logging refuse a whole batch. DEL is
// escaped, as are C1 controls, since people read these files on terminals, and
// U+2028 and U+2029, which end a line of JavaScript.
func appendString(dst []byte, s string) []byte {
	return appendQuoted(dst, unsafe.Slice(unsafe.StringData(s), len(s)))
}

// appendQuoted is appendString for bytes.
func appendQuoted(dst, src []byte) []byte {
	n := len(dst)
	out := room(dst, len(src)+len(src)/8+stepRoom)
	out[n] = '"'
	n++
	i := 0
	for len(src)-i >= 8 {
		n, i = quoteWords(out, n, src, i)
		if len(out)-n < stepRoom {
			out = room(out[:n], 2*(len(src)-i)+stepRoom)
		}
		if len(src)-i >= 8 {
			n, i = quoteOne(out, n, src, i)
		}
	}
	if rest := len(src) - i; rest >= 4 && len(out)-n >= stepRoom {
		// Two halves that may overlap.
		lo, hi := binary.LittleEndian.Uint32(src[i:]), binary.LittleEndian.Uint32(src[len(src)-4:])
		w := uint64(lo) | uint64(hi)<<32
		if simple, long := marks(w); simple|long == 0 {
			binary.LittleEndian.PutUint32(out[n:], lo)
			binary.LittleEndian.PutUint32(out[n+rest-4:], hi)
			n += rest
			i += rest
		}
	}
	for i < len(src) {
		if len(out)-n < stepRoom {
			out = room(out[:n], stepRoom)
		}
		n, i = quoteOne(out, n, src, i)
	}
	out = room(out[:n], 1)
	out[n] = '"'
	return out[:n+1]
}

// room returns b with at least so many bytes behind it, all that there are.
func room(b []byte, more int) []byte {
	if cap(b)-len(b) < more {
		b = slices.Grow(b, more)
	}
	return b[:cap(b)]
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7
	// stepRoom is more than one step writes: eight bytes become sixteen at most, behind
	// which a word may be written that is not meant.
	stepRoom = 32
)

// marks returns high bits for the bytes of w that are not written as they are: in simple
// for controls, the quotation mark and the backslash, in long for DEL and what is no
// ASCII. Only the lowest bit of both counts where long is not zero.
func marks(w uint64) (simple, long uint64) {
	return ^((w ^ ones*'"' + (highs - ones)) & (w ^ ones*'\\' + (highs - ones)) & (w + ones*(0x80-' '))) & highs,
		(w | (w + ones)) & highs
}

// quoteWords writes src from i on, eight bytes at a time, as long as there are eight
// and room for a step, and until there is something that quoteOne has to look at. It
// returns where it stopped.
//
// Bodies are most of a line, and one of JSON has a quotation mark in nearly every
// eight bytes: the next eight are read from the same place whatever these become, so
// that their reading need not wait. A letter of three bytes, as Hangul is, goes
// through in one piece. The function calls no other, which keeps all in registers.
func quoteWords(out []byte, n int, src []byte, i int) (int, int) {
	// The loops' conditions are the checks of bounds: what the compiler would add to
	// them doubles the time.
	to, from := unsafe.Pointer(unsafe.SliceData(out)), unsafe.Pointer(unsafe.SliceData(src))
	lastWord, lastStep := len(src)-8, len(out)-stepRoom
	for i <= lastWord && n <= lastStep {
		w := load64(from, i)
		store64(to, n, w)
		simple, long := marks(w)
		if long == 0 {
			i += 8
			n += 8
			for simple != 0 {
				bit := bits.TrailingZeros64(simple) &^ 7
				e := escapes[byte(w>>bit)]
				at := n - 8 + bit/8
				if e == 0 {
					return at, i - 8 + bit/8
				}
				store16(to, at, e)
				store64(to, at+2, w>>bit>>8)
				simple &= simple - 1
				n++
			}
			continue
		}
		k := bits.TrailingZeros64(simple|long) / 8
		n += k
		i += k
		if i > lastWord {
			break
		}
		w = load64(from, i)
		if e := escapes[byte(w)]; e != 0 {
			store16(to, n, e)
			n += 2
			i++
			continue
		}
		size := plainRune(w)
		if size == 0 {
			break
		}
		for size != 0 {
			store64(to, n, w)
			n += size
			i += size
			if i > lastWord || n > lastStep {
				break
			}
			w = load64(from, i)
			size = plainRune(w)
		}
	}
	return n, i
}

func load64(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func store64(p unsafe.Pointer, i int, v uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, i))[:], v)
}

func store16(p unsafe.Pointer, i int, v uint16) {
	binary.LittleEndian.PutUint16((*[2]byte)(unsafe.Add(p, i))[:], v)
}

// escapes holds what is written with one backslash: both bytes.
var escapes = [256]uint16{
	'"':  '"'<<8 | '\\',
	'\\': '\\'<<8 | '\\',
	'\n': 'n'<<8 | '\\',
	'\r': 'r'<<8 | '\\',
	'\t': 't'<<8 | '\\',
}

// plainRune returns the length of the rune that begins in the low bytes of w, if it is
// one of two or three bytes that is written as it is, and 0 for all others.
func plainRune(w uint64) int {
	if w&0xc0c0f0 == 0x8080e0 {
		switch w & 0xf {
		case 0x0:
			return int(w & 0x2000 >> 13 * 3) // else too long for what it says
		case 0xd:
			return int(^w & 0x2000 >> 13 * 3) // else half of a surrogate pair
		case 0x2:
			if w&0xfeffff == 0xa880e2 {
				return 0 // U+2028, U+2029
			}
		}
		return 3
	}
	if w&0xc0e0 == 0x80c0 && w&0x1f > 2 { // 0xc2 has the C1 controls
		return 2
	}
	return 0
}

// quoteOne writes the rune at src[i], or the byte that is part of none. It needs room
// for a step.
func quoteOne(out []byte, n int, src []byte, i int) (int, int) {
	c := src[i]
	if e := escapes[c]; e != 0 {
		binary.LittleEndian.PutUint16(out[n:], e)
		return n + 2, i + 1
	}
	if ' ' <= c && c < 0x7f {
		out[n] = c
		return n + 1, i + 1
	}
	r, size := utf8.DecodeRune(src[i:])
	switch {
	case r == utf8.RuneError && size == 1:
		return n + copy(out[n:], "\ufffd"), i + 1
	case r < 0xa0 || r == '\u2028' || r == '\u2029':
		o := out[n : n+6]
		o[0], o[1] = '\\', 'u'
		o[2], o[3], o[4], o[5] = hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf]
		return n + 6, i + size
	}
	return n + copy(out[n:], src[i:i+size]), i + size
}

const hexDigits = "0123456789abcdef"
