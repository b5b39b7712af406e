package entry

import (
	"strconv"
	"time"

	"github.com/txtrail/txtrail/txid"
)

// encoder appends JSON. Whether a comma is due is seen from the last byte, so it
// needs no state beside the bytes.
type encoder struct {
	b []byte
}

// key begins a member. All that stands before its value comes in one piece, comma,
// name and colon, since a line has some sixty of them.
func (e *encoder) key(k string) {
	if e.first() {
		k = k[1:]
	}
	e.b = append(e.b, k...)
}

// first reports whether an object or array has just begun.
func (e *encoder) first() bool {
	c := e.b[len(e.b)-1]
	return c == '{' || c == '['
}

func (e *encoder) comma() {
	if !e.first() {
		e.b = append(e.b, ',')
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
	if e.first() {
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

// firstSecond is when the year 1 begins, in Unix time.
const firstSecond = -62135596800

// time writes t unless it is zero, or before the year 1, which reads back as zero.
func (e *encoder) time(k string, t time.Time) {
	if t.IsZero() || t.Unix() < firstSecond {
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
	k := `,{"name":`
	if e.first() {
		k = k[1:]
	}
	e.b = append(e.b, k...)
	e.b = appendString(e.b, name)
	e.b = append(e.b, `,"value":`...)
	e.b = appendString(e.b, value)
	e.b = append(e.b, '}')
}

func (e *encoder) body(k string, b *Body) {
	at := e.open(k, '{')
	e.str(`,"type":`, b.Type)
	e.str(`,"content_encoding":`, b.ContentEncoding)
	e.str(`,"encoding":`, b.Encoding)
	if len(b.Content) > 0 {
		e.key(`,"content":`)
		e.b = appendQuoted(e.b, b.Content)
	}
	e.integer(`,"size":`, b.Size)
	e.boolean(`,"truncated":`, b.Truncated)
	e.str(`,"reason":`, b.Reason)
	e.integer(`,"chunks":`, int64(b.Chunks))
	e.close(at, '}')
}

// AppendTime appends t as RFC 3339 in UTC with exactly nine digits after the
// second, so that times of one length sort as text. A year that RFC 3339 can not
// write becomes the nearest it can.
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 1 {
		return append(dst, "0001-01-01T00:00:00.000000000Z"...)
	}
	if year > 9999 {
		return append(dst, "9999-12-31T23:59:59.999999999Z"...)
	}
	hour, minute, sec := t.Clock()
	var b [30]byte
	putDigits(b[0:4], year)
	b[4] = '-'
	putDigits(b[5:7], int(month))
	b[7] = '-'
	putDigits(b[8:10], day)
	b[10] = 'T'
	putDigits(b[11:13], hour)
	b[13] = ':'
	putDigits(b[14:16], minute)
	b[16] = ':'
	putDigits(b[17:19], sec)
	b[19] = '.'
	putDigits(b[20:29], t.Nanosecond())
	b[29] = 'Z'
	return append(dst, b[:]...)
}

// putDigits fills b with the last digits of v.
func putDigits(b []byte, v int) {
	u := uint32(v) //nolint:gosec // not negative, and below a thousand million
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + u%10)
		u /= 10
	}
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
