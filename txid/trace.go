package txid

import "errors"

// Trace is an incoming W3C trace context (Trace Context Level 2). It is recorded
// and, where no tracer does it, forwarded as it came; none is minted here, since
// a minted one would switch the sampling of other people's tracers.
// The zero value means that there was none.
type Trace struct {
	ID      string // 32 lower-case hex digits
	Span    SpanID // the caller's span in its tracer
	Sampled bool   // flag 01
	Parent  string // the traceparent header as it came
	State   string // the tracestate header as it came, at most 512 bytes, else ""
}

// ErrTraceparent is returned for a header that is not a W3C traceparent.
var ErrTraceparent = errors.New("txid: invalid traceparent, want 00-<32 hex>-<16 hex>-<2 hex> in lower case")

// maxTraceState is the length up to which tracestate must be propagated
// (Trace Context Level 2, section 3.3.1.5).
const maxTraceState = 512

// ParseTraceparent reads a traceparent header. An unknown version is read by
// the rules of version 00, as the recommendation asks; version ff is refused.
func ParseTraceparent(s string) (Trace, error) {
	if len(s) < 55 || len(s) > 128 || s[2] != '-' || s[35] != '-' || s[52] != '-' ||
		(len(s) > 55 && (s[:2] == "00" || s[55] != '-')) {
		return Trace{}, ErrTraceparent
	}
	if !lowerHex(s[:2]) || s[:2] == "ff" || !lowerHex(s[3:35]) || !lowerHex(s[36:52]) || !lowerHex(s[53:55]) {
		return Trace{}, ErrTraceparent
	}
	span, err := ParseSpan(s[36:52])
	if err != nil || s[3:35] == "00000000000000000000000000000000" {
		return Trace{}, ErrTraceparent
	}
	for i := 55; i < len(s); i++ {
		if s[i] < 0x21 || s[i] > 0x7e {
			return Trace{}, ErrTraceparent
		}
	}
	flag, _ := unhex(s[54])
	return Trace{ID: s[3:35], Span: span, Sampled: flag&1 == 1, Parent: s}, nil
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
