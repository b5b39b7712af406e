package entry

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/txid"
)

// encoder appends JSON. Whether a comma is due is seen from the last byte, so it
// needs no state beside the bytes.
type encoder struct {
	b []byte
}

// key begins a member.
func (e *encoder) key(k string) {
	e.comma()
	e.b = append(e.b, '"')
	e.b = append(e.b, k...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) comma() {
	if n := len(e.b); n > 0 {
		if c := e.b[n-1]; c != '{' && c != '[' {
			e.b = append(e.b, ',')
		}
	}
}

// open begins an object (or array) member and returns where to go back to if it
// stays empty.
func (e *encoder) open(k string, bracket byte) int {
	at := len(e.b)
	e.key(k)
	e.b = append(e.b, bracket)
	return at
}

// close ends what open began, or takes it out again if nothing was put in.
func (e *encoder) close(at int, bracket byte) {
	if c := e.b[len(e.b)-1]; c == '{' || c == '[' {
		e.b = e.b[:at]
		return
	}
	e.b = append(e.b, bracket)
}

func (e *encoder) str(k, v string) {
	if v == "" {
		return
	}
	e.key(k)
	e.b = appendString(e.b, v)
}

func (e *encoder) integer(k string, v int64) {
	if v == 0 {
		return
	}
	e.key(k)
	e.b = strconv.AppendInt(e.b, v, 10)
}

// int64String writes an int64 as protobuf's JSON does, as a string.
func (e *encoder) int64String(k string, v int64) {
	if v == 0 {
		return
	}
	e.key(k)
	e.b = append(e.b, '"')
	e.b = strconv.AppendInt(e.b, v, 10)
	e.b = append(e.b, '"')
}

func (e *encoder) boolean(k string, v bool) {
	if !v {
		return
	}
	e.key(k)
	e.b = append(e.b, "true"...)
}

// time writes t unless it is zero, or before the year 1, which reads back as zero.
func (e *encoder) time(k string, t time.Time) {
	if t.IsZero() || t.UTC().Year() < 1 {
		return
	}
	e.key(k)
	e.b = append(e.b, '"')
	e.b = AppendTime(e.b, t)
	e.b = append(e.b, '"')
}

// seconds writes a duration as protobuf's JSON does: "1.5s". A negative one, as a
// clock that was set back makes it, says nothing and is left out, here and below.
func (e *encoder) seconds(k string, d time.Duration) {
	if d <= 0 {
		return
	}
	e.key(k)
	e.b = append(e.b, '"')
	e.b = appendDecimal(e.b, int64(d), 1e9)
	e.b = append(e.b, 's', '"')
}

// millis writes a duration as a number of milliseconds.
func (e *encoder) millis(k string, d time.Duration) {
	if d <= 0 {
		return
	}
	e.key(k)
	e.b = appendDecimal(e.b, int64(d), 1e6)
}

func (e *encoder) span(k string, s txid.SpanID) {
	if s == 0 {
		return
	}
	e.key(k)
	e.b = append(e.b, '"')
	e.b = s.Append(e.b)
	e.b = append(e.b, '"')
}

func (e *encoder) headers(k string, hs []Header) {
	if len(hs) == 0 {
		return
	}
	at := e.open(k, '[')
	for i := range hs {
		e.pair(hs[i].Name, hs[i].Value)
	}
	e.close(at, ']')
}

func (e *encoder) labels(k string, ls []Label) {
	if len(ls) == 0 {
		return
	}
	at := e.open(k, '[')
	for i := range ls {
		e.pair(ls[i].Name, ls[i].Value)
	}
	e.close(at, ']')
}

func (e *encoder) pair(name, value string) {
	e.comma()
	e.b = append(e.b, `{"name":`...)
	e.b = appendString(e.b, name)
	e.b = append(e.b, `,"value":`...)
	e.b = appendString(e.b, value)
	e.b = append(e.b, '}')
}

func (e *encoder) body(k string, b *Body) {
	at := e.open(k, '{')
	e.str("type", b.Type)
	e.str("content_encoding", b.ContentEncoding)
	e.str("encoding", b.Encoding)
	if len(b.Content) > 0 {
		e.key("content")
		e.b = appendString(e.b, b.Content)
	}
	e.integer("size", b.Size)
	e.boolean("truncated", b.Truncated)
	e.str("reason", b.Reason)
	e.integer("chunks", int64(b.Chunks))
	e.close(at, '}')
}

// AppendTime appends t as RFC 3339 in UTC with exactly nine digits after the
// second, so that times of one length sort as text. A year that RFC 3339 can not
// write becomes the nearest it can.
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y < 1 {
		t = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if y > 9999 {
		t = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	}
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, int(month), 2)
	dst = append(dst, '-')
	dst = appendDigits(dst, day, 2)
	dst = append(dst, 'T')
	dst = appendDigits(dst, hour, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, minute, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, sec, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, t.Nanosecond(), 9)
	return append(dst, 'Z')
}

func appendDigits(dst []byte, v, width int) []byte {
	var b [9]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, b[:width]...)
}

// appendDecimal appends v/unit, not negative, in as many digits as it takes to be exact.
func appendDecimal(dst []byte, v, unit int64) []byte {
	dst = strconv.AppendInt(dst, v/unit, 10)
	frac := v % unit
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	for frac > 0 {
		unit /= 10
		dst = append(dst, byte('0'+frac/unit))
		frac %= unit
	}
	return dst
}

// plain holds the ASCII bytes that stand in a JSON string as they are. DEL is
// escaped, as are C1 controls below, since people read these files on terminals.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s as a JSON string of valid UTF-8: an invalid byte becomes
// U+FFFD, since one such byte makes Cloud Logging refuse a whole batch.
func appendString[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := decodeRune(s, i)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\ufffd"...)
			i++
			start = i
			continue
		}
		if r < 0xa0 || r == '\u2028' || r == '\u2029' {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
			i += size
			start = i
			continue
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

func decodeRune[S string | []byte](s S, i int) (rune, int) {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s[i:])
	return utf8.DecodeRune(b[:n])
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	dst = append(dst, '\\', 'u', '0', '0')
	return hex.AppendEncode(dst, []byte{c})
}
