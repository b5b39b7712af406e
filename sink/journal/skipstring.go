package journalsink

import (
	"encoding/binary"
	"math/bits"
)

// skipString returns where the string ends that begins before i, or -1.
//
// Bodies are most of a line, and one of JSON has an escaped quotation mark in nearly
// every eight bytes: eight are looked at together, and what is escaped is known from
// the backslashes among them, unless two are neighbours.
func skipString(b []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		first = 0x80 // the mark of a word's first byte
	)
	escaped := uint64(0) // first, if a backslash stands before b[i]
	for i < len(b) {
		if len(b)-i >= 8 {
			w := binary.LittleEndian.Uint64(b[i:])
			quotes, slashes := zeroBytes(w^ones*'"'), zeroBytes(w^ones*'\\')
			if slashes&(slashes<<8|escaped) == 0 {
				if quotes &^= slashes<<8 | escaped; quotes != 0 {
					return i + bits.TrailingZeros64(quotes)/8
				}
				escaped = slashes >> 56
				i += 8
				continue
			}
		}
		switch {
		case escaped != 0:
			escaped = 0
		case b[i] == '\\':
			escaped = first
		case b[i] == '"':
			return i
		}
		i++
	}
	return -1
}

// zeroBytes marks the bytes of w that are zero by their high bit, and no others.
func zeroBytes(w uint64) uint64 {
	const low = 0x7f7f7f7f7f7f7f7f
	return ^((w&low + low) | w | low)
}
