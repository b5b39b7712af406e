package entry

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrSyntax is returned, wrapped, for a line that is not a canonical line.
var ErrSyntax = errors.New("entry: malformed line")

// maxDepth bounds the nesting of what is skipped. Our own lines are five deep.
const maxDepth = 64

// decoder reads JSON from left to right. It keeps the first error; after one
// every method does nothing. It reads from a string so that the strings it
// returns can be pieces of it: a line has some fifty.
type decoder struct {
	b   string // valid UTF-8
	i   int
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, d.i)
	}
}

func (d *decoder) space() {
	for d.i < len(d.b) {
		switch d.b[d.i] {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is not space, or 0 at the end.
func (d *decoder) peek() byte {
	d.space()
	if d.err != nil || d.i >= len(d.b) {
		return 0
	}
	return d.b[d.i]
}

func (d *decoder) expect(c byte) bool {
	if d.peek() != c {
		d.fail("want " + strconv.QuoteRune(rune(c)))
		return false
	}
	d.i++
	return true
}

// object calls member for each key; member must consume the value.
func (d *decoder) object(member func(key string)) {
	if !d.expect('{') {
		return
	}
	if d.peek() == '}' {
		d.i++
		return
	}
	for d.err == nil {
		key := d.text()
		if !d.expect(':') {
			return
		}
		member(key)
		if d.next('}') {
			return
		}
	}
}

// array calls item for each value; item must consume it.
func (d *decoder) array(item func()) {
	if !d.expect('[') {
		return
	}
	if d.peek() == ']' {
		d.i++
		return
	}
	for d.err == nil {
		item()
		if d.next(']') {
			return
		}
	}
}

// next steps over a comma, or over end and says so.
func (d *decoder) next(end byte) bool {
	switch d.peek() {
	case ',':
		d.i++
		return false
	case end:
		d.i++
		return true
	}
	d.fail("want ',' or " + strconv.QuoteRune(rune(end)))
	return true
}

// text reads a string. The result may be a piece of the line.
func (d *decoder) text() string {
	if !d.expect('"') {
		return ""
	}
	start := d.i
	for d.i < len(d.b) {
		switch c := d.b[d.i]; {
		case c == '"':
			d.i++
			return d.b[start : d.i-1]
		case c == '\\':
			return d.escaped(start)
		case c < 0x20:
			d.fail("control character in a string")
			return ""
		default:
			d.i++
		}
	}
	d.fail("string without end")
	return ""
}

// escaped goes on with a string in which an escape has been met.
func (d *decoder) escaped(start int) string {
	s := append(make([]byte, 0, d.i-start+32), d.b[start:d.i]...)
	for d.i < len(d.b) {
		c := d.b[d.i]
		switch {
		case c == '"':
			d.i++
			return string(s)
		case c < 0x20:
			d.fail("control character in a string")
			return ""
		case c != '\\':
			s = append(s, c)
			d.i++
			continue
		}
		if d.i+1 >= len(d.b) {
			break
		}
		c = d.b[d.i+1]
		d.i += 2
		switch c {
		case '"', '\\', '/':
			s = append(s, c)
		case 'b':
			s = append(s, '\b')
		case 'f':
			s = append(s, '\f')
		case 'n':
			s = append(s, '\n')
		case 'r':
			s = append(s, '\r')
		case 't':
			s = append(s, '\t')
		case 'u':
			r := d.hex4()
			if utf16.IsSurrogate(r) {
				if d.i+1 < len(d.b) && d.b[d.i] == '\\' && d.b[d.i+1] == 'u' {
					back := d.i
					d.i += 2
					if r2 := utf16.DecodeRune(r, d.hex4()); r2 != utf8.RuneError {
						s = utf8.AppendRune(s, r2)
						continue
					}
					d.i = back
				}
				r = utf8.RuneError
			}
			s = utf8.AppendRune(s, r)
		default:
			d.i -= 2
			d.fail("unknown escape")
			return ""
		}
		if d.err != nil {
			return ""
		}
	}
	d.fail("string without end")
	return ""
}

func (d *decoder) hex4() rune {
	if d.i+4 > len(d.b) {
		d.fail("short \\u escape")
		return utf8.RuneError
	}
	v, err := strconv.ParseUint(d.b[d.i:d.i+4], 16, 16)
	if err != nil {
		d.fail("bad \\u escape")
		return utf8.RuneError
	}
	d.i += 4
	return rune(v)
}

// number reads a number's text (RFC 8259, section 6).
func (d *decoder) number() string {
	d.space()
	start := d.i
	if d.at('-') {
		d.i++
	}
	if d.at('0') {
		d.i++
	} else if d.digits() == 0 {
		d.fail("want a value")
		return ""
	}
	if d.at('.') {
		d.i++
		if d.digits() == 0 {
			d.fail("want a digit")
			return ""
		}
	}
	if d.at('e') || d.at('E') {
		d.i++
		if d.at('+') || d.at('-') {
			d.i++
		}
		if d.digits() == 0 {
			d.fail("want a digit")
			return ""
		}
	}
	return d.b[start:d.i]
}

func (d *decoder) at(c byte) bool {
	return d.i < len(d.b) && d.b[d.i] == c
}

func (d *decoder) digits() int {
	start := d.i
	for d.i < len(d.b) && '0' <= d.b[d.i] && d.b[d.i] <= '9' {
		d.i++
	}
	return d.i - start
}

// integer reads a whole number, or a string with one in it.
func (d *decoder) integer() int64 {
	var s string
	if d.peek() == '"' {
		s = d.text()
	} else {
		s = d.number()
	}
	if d.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		d.fail(fmt.Sprintf("want a whole number, have %+.40q, before", s))
		return 0
	}
	return v
}

func (d *decoder) boolean() bool {
	switch d.peek() {
	case 't':
		d.literal("true")
		return true
	case 'f':
		d.literal("false")
		return false
	}
	d.fail("want true or false")
	return false
}

func (d *decoder) literal(l string) {
	if d.i+len(l) > len(d.b) || d.b[d.i:d.i+len(l)] != l {
		d.fail("want " + l)
		return
	}
	d.i += len(l)
}

func (d *decoder) time() time.Time {
	s := d.text()
	if d.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	t = t.UTC()
	if err != nil || t.Year() < 1 || t.Year() > 9999 { // beyond: what AppendTime can not write
		d.fail("want an RFC 3339 time before")
		return time.Time{}
	}
	return t
}

// duration reads a decimal, as a number or as text with the given suffix, in the
// given unit of nanoseconds. What can not be told exactly is refused.
func (d *decoder) duration(unit int64, suffix string) time.Duration {
	var s string
	if d.peek() == '"' {
		s = d.text()
		if len(s) <= len(suffix) || s[len(s)-len(suffix):] != suffix {
			d.fail("want a duration before")
			return 0
		}
		s = s[:len(s)-len(suffix)]
	} else {
		s = d.number()
	}
	if d.err != nil {
		return 0
	}
	v, ok := parseDecimal(s, unit)
	if !ok {
		d.fail("want a duration before")
		return 0
	}
	return time.Duration(v)
}

// parseDecimal reads digits, with a fraction or not, as multiples of 1/unit.
func parseDecimal(s string, unit int64) (int64, bool) {
	whole, frac, dotted := strings.Cut(s, ".")
	if whole == "" || dotted && frac == "" {
		return 0, false
	}
	var v int64
	for i := range len(whole) {
		d := int64(whole[i]) - '0'
		if d < 0 || d > 9 || v > (math.MaxInt64-d*unit)/10 {
			return 0, false
		}
		v = v*10 + d*unit
	}
	for i := range len(frac) {
		unit /= 10
		d := int64(frac[i]) - '0'
		if d < 0 || d > 9 || unit == 0 || v > math.MaxInt64-d*unit {
			return 0, false
		}
		v += d * unit
	}
	return v, true
}

// skip steps over one value of any type: a field from a newer version.
func (d *decoder) skip(depth int) {
	if depth > maxDepth {
		d.fail("nested too deep")
		return
	}
	switch d.peek() {
	case '{':
		d.object(func(string) { d.skip(depth + 1) })
	case '[':
		d.array(func() { d.skip(depth + 1) })
	case '"':
		d.text()
	case 't':
		d.literal("true")
	case 'f':
		d.literal("false")
	case 'n':
		d.literal("null")
	default:
		d.number()
	}
}
