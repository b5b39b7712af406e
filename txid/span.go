package txid

import (
	"errors"
	"fmt"
)

// SpanID names one exchange (a request as its server saw it, or a call as its
// caller saw it) within a scenario. Written, it is 16 lower-case hex digits.
// Zero means none.
//
// Hops are paired by it: the caller sends the span of its call in
// X-Transaction-Parent, and the server's entry names that span as its parent.
// traceparent is not used for that, since load balancers and tracers rewrite it.
type SpanID uint64

// ErrSpan is returned, wrapped, for a string that is not a span.
var ErrSpan = errors.New("txid: invalid span")

// ParseSpan reads 16 hex digits, in either case, that are not all zero.
func ParseSpan(s string) (SpanID, error) {
	if len(s) != 16 {
		return 0, fmt.Errorf("%w: %d bytes, want 16 hex digits", ErrSpan, len(s))
	}
	var v uint64
	for i := range len(s) {
		d, ok := unhex(s[i])
		if !ok {
			return 0, fmt.Errorf("%w: byte %#02x at %d, want a hex digit", ErrSpan, s[i], i)
		}
		v = v<<4 | uint64(d)
	}
	if v == 0 {
		return 0, fmt.Errorf("%w: all zero", ErrSpan)
	}
	return SpanID(v), nil
}

// String returns 16 hex digits, or "" for none.
func (s SpanID) String() string {
	if s == 0 {
		return ""
	}
	var b [16]byte
	putHex(b[:], uint64(s))
	return string(b[:])
}

// Append appends the 16 hex digits to dst; nothing for none.
func (s SpanID) Append(dst []byte) []byte {
	if s == 0 {
		return dst
	}
	var b [16]byte
	putHex(b[:], uint64(s))
	return append(dst, b[:]...)
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
