package cloudloggingsink

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// errLine is the fault of a line that is not canonical: no JSON, a key twice, a key that
// would be read as another thing. Lines come from entry.Seal, so that one of these was
// made by something else.
var errLine = errors.New("cloudloggingsink: the entry's line is not a canonical one")

// maxDepth bounds the nesting: the service takes a Struct of 100 levels (protobuf's
// own limit), and our own lines are six deep.
const maxDepth = 32

// scanner reads JSON from left to right. After a fault bad is set, and what its
// methods return means nothing.
type scanner struct {
	b   []byte
	i   int
	bad bool
	tmp []byte // the last string, where it had escapes
	// escaped says that the last string lies in tmp, where the next one overwrites
	// it.
	escaped bool
}

func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

// peek returns the next byte that is not space, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) {
	if s.peek() != c {
		s.fail()
		return
	}
	s.i++
}

// more steps to the next member or item of what ends with end; first says that it
// would be the first one.
func (s *scanner) more(end byte, first bool) bool {
	switch c := s.peek(); {
	case s.bad:
		return false
	case c == end:
		s.i++
		return false
	case first && c != 0:
		return true
	case c == ',':
		s.i++
		return true
	}
	s.fail()
	return false
}

// key reads a member's name and its colon. The result stays valid.
func (s *scanner) key() []byte {
	k := s.str()
	if s.escaped {
		k = append([]byte(nil), k...)
	}
	s.expect(':')
	return k
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special returns where the next quote, backslash or control character stands, from
// i on, or len(b).
func special(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, back := w^('"'*lows), w^('\\'*lows)
		if m := ((quote-lows)&^quote | (back-lows)&^back | (w-0x20*lows)&^w) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return i
}

// str reads a string. The result is a piece of the line, or lies in s.tmp.
func (s *scanner) str() []byte {
	s.escaped = false
	s.expect('"')
	if s.bad {
		return nil
	}
	start := s.i
	end := special(s.b, start)
	if end < len(s.b) && s.b[end] == '"' {
		s.i = end + 1
		return s.b[start:end]
	}
	s.escaped = true
	t := append(s.tmp[:0], s.b[start:end]...)
	for end < len(s.b) && s.b[end] == '\\' {
		s.i = end + 1
		t = s.escape(t)
		if s.bad {
			break
		}
		start = s.i
		end = special(s.b, start)
		t = append(t, s.b[start:end]...)
	}
	s.tmp = t
	if s.bad || end >= len(s.b) || s.b[end] != '"' {
		s.fail()
		return nil
	}
	s.i = end + 1
	return t
}

// escape reads what stands behind a backslash.
func (s *scanner) escape(t []byte) []byte {
	if s.i >= len(s.b) {
		s.fail()
		return t
	}
	c := s.b[s.i]
	s.i++
	switch c {
	case '"', '\\', '/':
		return append(t, c)
	case 'b':
		return append(t, '\b')
	case 'f':
		return append(t, '\f')
	case 'n':
		return append(t, '\n')
	case 'r':
		return append(t, '\r')
	case 't':
		return append(t, '\t')
	case 'u':
		r := s.hex4()
		if utf16.IsSurrogate(r) {
			back := s.i
			second := rune(utf8.RuneError)
			if s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
				s.i += 2
				second = s.hex4()
			}
			if r = utf16.DecodeRune(r, second); r == utf8.RuneError && !s.bad {
				s.i = back // a half without its other half: U+FFFD
			}
		}
		return utf8.AppendRune(t, r)
	}
	s.fail()
	return t
}

func (s *scanner) hex4() rune {
	if s.i+4 > len(s.b) {
		s.fail()
		return utf8.RuneError
	}
	var r rune
	for _, c := range s.b[s.i : s.i+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			s.fail()
			return utf8.RuneError
		}
	}
	s.i += 4
	return r
}

// number reads a number. A whole one of up to 15 digits is read exactly and fast.
func (s *scanner) number() float64 {
	s.peek()
	start := s.i
	neg := s.i < len(s.b) && s.b[s.i] == '-'
	if neg {
		s.i++
	}
	digits := s.i
	var n int64
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		if s.i-digits < 15 {
			n = n*10 + int64(s.b[s.i]-'0')
		}
		s.i++
	}
	if s.i == digits {
		s.fail()
		return 0
	}
	if s.i-digits <= 15 && (s.i == len(s.b) || s.b[s.i] != '.' && s.b[s.i]|0x20 != 'e') {
		if neg {
			n = -n
		}
		return float64(n)
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
			s.i++
			continue
		}
		break
	}
	v, err := strconv.ParseFloat(string(s.b[start:s.i]), 64)
	if err != nil {
		s.fail()
		return 0
	}
	return v
}

// word reads true, false or null.
func (s *scanner) word(w string) {
	if s.i+len(w) > len(s.b) || string(s.b[s.i:s.i+len(w)]) != w {
		s.fail()
		return
	}
	s.i += len(w)
}

// integer reads a whole number, or a string with one in it, as protobuf's JSON has
// an int64. What is none counts as 0.
func (s *scanner) integer() int64 {
	if s.peek() != '"' {
		v := s.number()
		if v >= 1<<63 {
			return 1<<63 - 1
		}
		if v < -1<<63 || v != v {
			return 0
		}
		return int64(v)
	}
	v, err := strconv.ParseInt(string(s.str()), 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// skip steps over one value.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.fail()
		return
	}
	switch s.peek() {
	case '{':
		s.i++
		for first := true; s.more('}', first); first = false {
			s.str()
			s.expect(':')
			s.skip(depth + 1)
		}
	case '[':
		s.i++
		for first := true; s.more(']', first); first = false {
			s.skip(depth + 1)
		}
	case '"':
		s.str()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.number()
	}
}
