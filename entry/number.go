package entry

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/txid"
)

// A minute is the beginning of the times of the last one written, which nearly all of a
// service share with the one before.
type minute struct {
	from int64 // in Unix time
	text [len("2006-01-02T15:04:")]byte
}

// firstSecond is when the year 1 begins, in Unix time, and noSecond after the year 9999.
const (
	firstSecond = -62135596800
	noSecond    = 253402300800
)

// instant writes t unless it is zero, or before the year 1, which reads back as zero.
func (m *minute) instant(out []byte, n int, k *key, t time.Time) int {
	at := t.Unix()
	if t.IsZero() || at < firstSecond {
		return n
	}
	if n = literal(out, n, k); len(out)-n < timeLen+2 {
		return full(out)
	}
	second := at - m.from
	if second < 0 || second >= 60 || m.text[0] == 0 {
		if at >= noSecond {
			n += len(AppendTime(out[n:n], t))
			out[n], out[n+1] = '"', ','
			return n + 2
		}
		var whole [timeLen]byte
		copy(m.text[:], AppendTime(whole[:0], t))
		second = (at - firstSecond) % 60
		m.from = at - second
	}
	b := out[n : n+timeLen+2]
	copy(b, m.text[:])
	copy(b[17:19], digits[second][:])
	b[19] = '.'
	putNanos(b[20:29], uint32(t.Nanosecond())) //nolint:gosec // below a thousand million
	b[29], b[30], b[31] = 'Z', '"', ','
	return n + timeLen + 2
}

// putNanos fills b with nine digits.
func putNanos(b []byte, v uint32) {
	_ = b[8]
	b[0] = byte('0' + v/1e8)
	copy(b[1:3], digits[v/1e6%100][:])
	copy(b[3:5], digits[v/1e4%100][:])
	copy(b[5:7], digits[v/100%100][:])
	copy(b[7:9], digits[v%100][:])
}

// digits holds the numbers of two digits.
var digits = func() (t [100][2]byte) {
	for i := range t {
		t[i] = [2]byte{byte('0' + i/10), byte('0' + i%10)}
	}
	return t
}()

// decimal writes v to out, where there is room for it.
func decimal(out []byte, n int, v int64) int {
	if v < 0 || v >= 10_000 {
		return len(strconv.AppendInt(out[:n], v, 10))
	}
	b := out[n : n+4]
	if v >= 100 {
		high := digits[v/100]
		if v < 1000 {
			b[0] = high[1]
			copy(b[1:], digits[v%100][:])
			return n + 3
		}
		copy(b, high[:])
		copy(b[2:], digits[v%100][:])
		return n + 4
	}
	low := digits[v]
	if v < 10 {
		b[0] = low[1]
		return n + 1
	}
	copy(b, low[:])
	return n + 2
}

// seconds writes a duration as protobuf's JSON does: "1.5s". A negative one, as a
// clock that was set back makes it, says nothing and is left out, here and below.
func seconds(out []byte, n int, k *key, d time.Duration) int {
	if d <= 0 {
		return n
	}
	if len(out)-n < keyRoom+numberRoom+3 {
		return full(out)
	}
	*(*[keyRoom]byte)(out[n:]) = k.text
	n = fraction(out, n+k.n, int64(d/time.Second), uint32(d%time.Second), 9) //nolint:gosec // below a thousand million
	out[n], out[n+1], out[n+2] = 's', '"', ','
	return n + 3
}

// millis writes a duration as a number of milliseconds.
func millis(out []byte, n int, k *key, d time.Duration) int {
	if d <= 0 {
		return n
	}
	if len(out)-n < keyRoom+numberRoom+1 {
		return full(out)
	}
	*(*[keyRoom]byte)(out[n:]) = k.text
	n = fraction(out, n+k.n, int64(d/time.Millisecond), 1000*uint32(d%time.Millisecond), 6) //nolint:gosec // below a million
	out[n] = ','
	return n + 1
}

// fraction writes a number of whole units and of thousand millionths of one, in as many
// digits as it takes to be exact, at most so many behind the point.
func fraction(out []byte, n int, whole int64, nanos uint32, most int) int {
	n = decimal(out, n, whole)
	if nanos == 0 {
		return n
	}
	out[n] = '.'
	putNanos(out[n+1:n+10], nanos)
	n += most + 1
	for out[n-1] == '0' {
		n--
	}
	return n
}

// span writes the 16 hex digits of a span, if there is one.
func span(out []byte, n int, k *key, s txid.SpanID) int {
	if s == 0 {
		return n
	}
	if len(out)-n < keyRoom+18 {
		return full(out)
	}
	*(*[keyRoom]byte)(out[n:]) = k.text
	b := out[n+k.n : n+k.n+18]
	binary.BigEndian.PutUint64(b, hex(uint32(s>>32))) //nolint:gosec // one half
	binary.BigEndian.PutUint64(b[8:], hex(uint32(s))) //nolint:gosec // the other
	b[16], b[17] = '"', ','
	return n + k.n + 18
}

// hex returns the eight digits of v, the first in the highest byte.
func hex(v uint32) uint64 {
	w := uint64(v)
	w = (w | w<<16) & 0x0000ffff0000ffff
	w = (w | w<<8) & 0x00ff00ff00ff00ff
	w = (w | w<<4) & 0x0f0f0f0f0f0f0f0f
	letters := (w + ones*6) >> 4 & ones
	return w + ones*'0' + letters*('a'-'0'-10)
}

// timeLen is the length of what [AppendTime] appends.
const timeLen = len("2006-01-02T15:04:05.000000000Z")

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
	b := [timeLen]byte([]byte("2006-01-02T15:04:05.000000000Z"))
	for i, v := range [...]int{year / 100, year % 100} {
		copy(b[2*i:], digits[v][:])
	}
	for i, v := range [...]int{int(month), day, hour, minute, sec} {
		copy(b[3*i+5:], digits[v][:])
	}
	putNanos(b[20:29], uint32(t.Nanosecond())) //nolint:gosec // below a thousand million
	return append(dst, b[:]...)
}
