package txid

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Minter mints IDs and spans. The zero value is ready to use with the system
// clock. It is safe for concurrent use and must not be copied after first use.
//
// IDs are UUIDv7 (RFC 9562, section 5.7; method 3 of section 6.2): 48 bits of
// Unix milliseconds, 12 bits of the millisecond's fraction, 62 random bits. The
// 60 bits of time grow strictly within one Minter, also when the clock stands
// still or goes back, so IDs sort in the order in which they were minted. Use
// one Minter in a process; txtrail.Open does.
//
// The random bits come from the runtime's ChaCha8 generator, seeded by the
// operating system: unpredictable from outside, but a txid is a name and not a
// credential.
type Minter struct {
	now  func() time.Time
	last atomic.Uint64 // the newest 60-bit time handed out
}

// NewMinter returns a Minter that reads the given clock; nil means [time.Now].
func NewMinter(now func() time.Time) *Minter {
	return &Minter{now: now}
}

// New mints an ID: 36 characters, lower-case hex in UUID form. One allocation.
func (m *Minter) New() ID {
	if m.now != nil {
		return m.At(m.now())
	}
	return m.At(time.Now())
}

// At mints an ID for a time that the caller has read already, which saves the
// second reading of the clock on a request's path. One allocation.
func (m *Minter) At(t time.Time) ID {
	ns := max(t.UnixNano(), 0)
	ms := uint64(ns) / 1e6
	frac := (uint64(ns) % 1e6) << 12 / 1e6
	stamp := ms<<12 | frac
	for {
		last := m.last.Load()
		if stamp <= last {
			stamp = last + 1
		}
		if m.last.CompareAndSwap(last, stamp) {
			break
		}
	}
	hi := stamp>>12<<16 | 0x7000 | stamp&0xfff
	lo := rand.Uint64()&(1<<62-1) | 1<<63
	var b [36]byte
	putHex(b[0:8], hi>>32)
	b[8] = '-'
	putHex(b[9:13], hi>>16)
	b[13] = '-'
	putHex(b[14:18], hi)
	b[18] = '-'
	putHex(b[19:23], lo>>48)
	b[23] = '-'
	putHex(b[24:36], lo)
	return ID(b[:])
}

// Span mints a span: 64 random bits, never zero.
func (m *Minter) Span() SpanID {
	for {
		if s := SpanID(rand.Uint64()); s != 0 {
			return s
		}
	}
}

const hexDigits = "0123456789abcdef"

// putHex fills dst with the low digits of v.
func putHex(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = hexDigits[v&0xf]
		v >>= 4
	}
}
