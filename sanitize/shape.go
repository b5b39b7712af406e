package sanitize

import "encoding/binary"

// Times and UUIDs are what values with many digits mostly are, and nothing is ever
// found in them. Both are recognised eight bytes at a time.

// A shape is how eight bytes are written: model has the digit 0 for any digit, and
// limit in each byte what makes the difference to the model run into the high bit
// when it is too large, above 9 for a digit and above 0 for any other.
const (
	modelDate = '0' | '0'<<8 | '0'<<16 | '0'<<24 | '-'<<32 | '0'<<40 | '0'<<48 | '-'<<56
	limitDate = 0x76 | 0x76<<8 | 0x76<<16 | 0x76<<24 | 0x7f<<32 | 0x76<<40 | 0x76<<48 | 0x7f<<56
	modelTime = '0' | '0'<<8 | ':'<<16 | '0'<<24 | '0'<<32 | ':'<<40 | '0'<<48 | '0'<<56
	limitTime = 0x76 | 0x76<<8 | 0x7f<<16 | 0x76<<24 | 0x76<<32 | 0x7f<<40 | 0x76<<48 | 0x76<<56
)

// like reports eight bytes of the shape.
func like(w, model, limit uint64) bool {
	x := w ^ model
	return (x&^swarHighs+limit|x)&swarHighs == 0
}

// timestamp reports that v, of at least 19 bytes, is a time as RFC 3339 and
// databases write it: 2026-11-20T01:02:03, up to nine digits of a fraction, and
// where it counts from.
func timestamp(v []byte) bool {
	_ = v[18]
	if !like(binary.LittleEndian.Uint64(v), modelDate, limitDate) || !like(binary.LittleEndian.Uint64(v[11:]), modelTime, limitTime) ||
		!isDigit(v[8]) || !isDigit(v[9]) || v[10] != 'T' && v[10] != ' ' {
		return false
	}
	v = v[19:]
	if len(v) > 1 && v[0] == '.' {
		i := 1
		for i < len(v) && i < 10 && isDigit(v[i]) {
			i++
		}
		if i == 1 {
			return false
		}
		v = v[i:]
	}
	switch len(v) {
	case 0:
		return true
	case 1:
		return v[0] == 'Z'
	case 6:
		return (v[0] == '+' || v[0] == '-') && isDigit(v[1]) && isDigit(v[2]) && v[3] == ':' && isDigit(v[4]) && isDigit(v[5])
	}
	return false
}

// uuid reports 8-4-4-4-12 hexadecimal digits in the 36 bytes of v.
func uuid(v []byte) bool {
	_ = v[35]
	const (
		zeros = '0' * swarOnes
		dash  = 0xff
		two   = dash | dash<<40     // -xxxx-xx
		three = dash<<16 | dash<<56 // xx-xxxx-
		turn  = ('-' ^ '0') * swarOnes
	)
	b, c := binary.LittleEndian.Uint64(v[8:])^turn&two, binary.LittleEndian.Uint64(v[16:])^turn&three
	return b&two == zeros&two && c&three == zeros&three &&
		hexWord(binary.LittleEndian.Uint64(v)) && hexWord(b) && hexWord(c) &&
		hexWord(binary.LittleEndian.Uint64(v[24:])) && hexWord(binary.LittleEndian.Uint64(v[28:]))
}

// hexWord reports eight hexadecimal digits.
func hexWord(w uint64) bool {
	x := w &^ swarHighs
	y := x | 0x20*swarOnes
	digit := (x + (0x80-'0')*swarOnes) &^ (x + (0x7f-'9')*swarOnes)
	letter := (y + (0x80-'a')*swarOnes) &^ (y + (0x7f-'f')*swarOnes)
	return (digit|letter)&^w&swarHighs == swarHighs
}

// uuidValue reports that v, of 36 bytes, is a UUID in which the text pass sees
// one: it does so at the first digit, which must be one of the first eight. The
// dash behind those makes it no base64 of any text.
func uuidValue(v []byte) bool {
	w := binary.LittleEndian.Uint64(v) // of hexadecimal digits, only 0 to 9 lack this bit
	return ^w&(0x40*swarOnes) != 0 && uuid(v)
}
