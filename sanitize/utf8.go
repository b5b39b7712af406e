package sanitize

import (
	"encoding/binary"
	"unicode/utf8"
)

// validUTF8 is [utf8.Valid], faster for text in which characters of three bytes,
// those of the scripts of East Asia, follow one another.
func validUTF8(b []byte) bool {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		switch {
		case w&swarHighs == 0:
			b = b[8:]
			continue
		case w&0xc0c0f0 == 0x8080e0:
			// E0 80 to 9F are longer than they need to be, ED A0 to BF surrogates.
			if x := w & 0x200f; x == 0x0000 || x == 0x200d {
				return false
			}
			b = b[3:]
			continue
		case w&0x80 == 0:
			b = b[1:]
			continue
		}
		_, n := utf8.DecodeRune(b)
		if n == 1 {
			return false
		}
		b = b[n:]
	}
	return utf8.Valid(b)
}
