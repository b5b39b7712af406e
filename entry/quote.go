package entry

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"
)

// quote writes src as the inside of a JSON string of valid UTF-8 to out[n:]: an invalid
// byte becomes U+FFFD, since one such byte makes Cloud Logging refuse a whole batch. DEL
// is escaped, as are C1 controls, since people read these files on terminals, and U+2028
// and U+2029, which end a line of JavaScript. It returns where it ended, or beyond out
// where that has no room.
//
// Where src is known to be UTF-8, most of what is not ASCII need not be looked at. One
// that is not would come out as it is; nothing else depends on its being so.
func quote(out []byte, n int, src []byte, valid bool) int {
	table := &pairsAny
	if valid {
		table = &pairsValid
	}
	for i := 0; i < len(src); {
		from := i
		n, i = quoteWords(out, n, src, i, table)
		// Words do not end where runes do.
		for k := 0; k < utf8.UTFMax-1 && from < i && i < len(src) && !utf8.RuneStart(src[i]) && src[i-1] >= utf8.RuneSelf; k++ {
			n--
			i--
		}
		for stop := min(i+8, len(src)); i < stop; {
			if len(out)-n < stepRoom {
				return full(out)
			}
			n, i = quoteRunes(out, n, src, i)
		}
	}
	return n
}

// quoteWords writes src from i on, eight bytes at a time, as long as there are eight, room
// for what they may become, and nothing in them that has to be looked at closely. It
// returns where it stopped.
//
// Bodies are most of a line, and one of JSON has a quotation mark in nearly every eight
// bytes, never at the same place. So each byte is written as two, of which the second
// counts or is written over: where no branch is, none is guessed wrong, which took more
// than all the rest. Only after eight words without an escape is a word looked at as a
// whole, as long as there is none.
func quoteWords(out []byte, n int, src []byte, i int, table *[256]pairOf) (int, int) {
	// The loops' conditions are the checks of bounds: what the compiler would add to
	// them doubles the time. Pairs are stored wherever they belong, aligned or not.
	to, from := unsafe.Pointer(unsafe.SliceData(out)), unsafe.Pointer(unsafe.SliceData(src))
	lastWord, lastStep := len(src)-8, len(out)-wordRoom
	begun, look := n, i+64
	for i <= lastWord && n <= lastStep {
		p, b := unsafe.Add(to, n), (*[8]byte)(unsafe.Add(from, i))
		e := table[b[0]]
		*(*uint16)(p) = uint16(e) //nolint:gosec // the pair is the lower half
		k := uintptr(e >> 16)
		e = table[b[1]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		e = table[b[2]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		e = table[b[3]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		e = table[b[4]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		e = table[b[5]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		e = table[b[6]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		e = table[b[7]]
		*(*uint16)(unsafe.Add(p, k)) = uint16(e) //nolint:gosec // as above
		k += uintptr(e >> 16)
		if k > 16 {
			break
		}
		n += int(k)
		i += 8
		if i < look {
			continue
		}
		if n-begun == 64 {
			for i <= lastWord && n <= lastStep {
				b := (*[8]byte)(unsafe.Add(from, i))
				if w := binary.LittleEndian.Uint64(b[:]); special(w) != 0 || w&highs != 0 && table == &pairsAny {
					break
				}
				*(*[8]byte)(unsafe.Add(to, n)) = *b
				n += 8
				i += 8
			}
		}
		begun, look = n, i+64
	}
	return n, i
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7

	// long is the length of what has to be looked at closely: one makes more of a word
	// than its bytes could.
	long = 17
	// wordRoom is more than a word may be written over before that is seen.
	wordRoom = 8*long + 8
	// stepRoom is more than quoteRunes writes at once.
	stepRoom = 16
)

// special returns high bits for the bytes of w that quoteWords does not write as they are
// where it knows of valid UTF-8: controls, the quotation mark, the backslash, DEL, and the
// first bytes of C1 controls and of U+2028.
func special(w uint64) uint64 {
	low := w &^ highs
	ascii := ^((low ^ ones*'"' + (highs - ones)) & (low ^ ones*'\\' + (highs - ones)) & (low ^ ones*0x7f + (highs - ones)) & (low + ones*(0x80-' '))) &^ w
	first := ^(low&^(ones*0x20) ^ ones*0x42 + (highs - ones)) & w // 0xc2, 0xe2
	return (ascii | first) & highs
}

// escapes holds what is written with one backslash: both bytes.
var escapes = [256][2]byte{
	'"':  {'\\', '"'},
	'\\': {'\\', '\\'},
	'\n': {'\\', 'n'},
	'\r': {'\\', 'r'},
	'\t': {'\\', 't'},
}

// pairOf is what is written for a byte that is not looked at closely: in the lower half its
// escape, or itself and something, in the order of the machine's memory; in the upper half
// how much of that counts.
type pairOf = uint32

// pairsAny and pairsValid are for bytes of which nothing is known and for those of valid
// UTF-8.
var pairsAny, pairsValid = pairsFor(false), pairsFor(true)

func pairsFor(valid bool) (t [256]pairOf) {
	for c := range t {
		pair, n := [2]byte{byte(c)}, pairOf(1)
		switch {
		case escapes[c][0] != 0:
			pair, n = escapes[c], 2
		case c < ' ', c == 0x7f, c >= 0x80 && !valid, c == 0xc2, c == 0xe2:
			n = long
		}
		t[c] = n<<16 | pairOf(binary.NativeEndian.Uint16(pair[:]))
	}
	return t
}

// quoteRunes writes the rune at src[i], or the byte that is part of none; of runes that
// are written as they are, all that follow, until there are eight bytes of ASCII. It
// needs room for a step.
func quoteRunes(out []byte, n int, src []byte, i int) (int, int) {
	begun := i
	for len(src)-i >= 8 && len(out)-n >= 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		size := plainRune(w)
		if size == 0 || w&highs == 0 {
			break
		}
		binary.LittleEndian.PutUint64(out[n:], w)
		n += size
		i += size
	}
	if i > begun {
		return n, i
	}
	return quoteRune(out, n, src, i)
}

// plainRune returns the length of the rune that begins in the low bytes of w, if it is
// one of at most three bytes that is written as it is, and 0 for all others.
func plainRune(w uint64) int {
	if w&0xc0c0f0 == 0x8080e0 { // as Hangul is
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
	if pairsAny[byte(w)]>>16 == 1 {
		return 1
	}
	if w&0xc0e0 == 0x80c0 && w&0x1f > 2 { // 0xc2 has the C1 controls
		return 2
	}
	return 0
}

// quoteRune writes the rune at src[i], or the byte that is part of none. It needs room
// for a step.
func quoteRune(out []byte, n int, src []byte, i int) (int, int) {
	c := src[i]
	if e := escapes[c]; e[0] != 0 {
		return n + copy(out[n:], e[:]), i + 1
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
