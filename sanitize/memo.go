package sanitize

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// What a value was read as: part of a memo's key.
const (
	asNamed byte = iota + 1
	asURL
	asQuery
	asText
	asHeader // as named, and known to have no line breaks
)

const (
	memoSlots = 64
	memoLeast = 4   // shorter values are read as fast
	memoBytes = 253 // a name and a value: most User-Agents fit
	memoCame  = 256
)

// memo remembers short values that passed as they were. Most headers of a
// service say the same thing again and again: Accept, Content-Type, the same
// dozen User-Agents. Only what may be shown is kept, at most 16 KiB of it, and a
// hit compares it all. A value has two places, so that two that come in turns do not
// drive each other out, and takes one that is in use only when it comes again: IDs and
// the like are different each time, and would drive out what is not. Private to one run.
type memo struct {
	slots   [memoSlots]memoSlot
	came    [memoCame]uint16 // hashes of values that had no place
	changed changed
}

type memoSlot struct {
	as, name, value uint8
	buf             [memoBytes]byte
}

// slot returns where the value, of the hash h, would be, nil when it has no place: it is too long, so
// short that it is read as fast, or has not come before. And whether it is there.
func (m *memo) slot(h uint64, as byte, name, value string) (s *memoSlot, hit bool) {
	if len(value) < memoLeast || len(name)+len(value) > memoBytes {
		return nil, false
	}
	s = &m.slots[h%memoSlots]
	if s.holds(as, name, value) {
		return s, true
	}
	if s.as == 0 {
		return s, false
	}
	other := &m.slots[h/memoSlots%memoSlots]
	if other.holds(as, name, value) {
		return other, true
	}
	if other.as == 0 {
		return other, false
	}
	came, tag := &m.came[h>>16%memoCame], memoTag(h)
	if *came == tag {
		return s, false
	}
	*came = tag
	return nil, false
}

// memoHash looks at the ends of a value and at its middle: values of the same field
// that differ nowhere else drive each other out, which costs no more than not to be
// remembered. It is 0 for a value that is too short to be remembered.
func memoHash(name, value string) uint64 {
	b := unsafe.Slice(unsafe.StringData(value), len(value))
	n := len(b)
	var h uint64
	switch {
	case n < memoLeast:
		return 0
	case n < 8:
		h = (uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32) * 0x9E3779B97F4A7C15
	default: // three products that do not wait for each other
		h = binary.LittleEndian.Uint64(b) * 0x9E3779B97F4A7C15
		h ^= bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:])*0xC2B2AE3D27D4EB4F, 21)
		h ^= bits.RotateLeft64(binary.LittleEndian.Uint64(b[(n-8)/2:])*0x165667B19E3779F9, 43)
	}
	h += uint64(n) << 8
	if k := len(name); k > 0 { // many fields have the same value: "application/json"
		h += uint64(k) + 3*uint64(name[0]) + 5*uint64(name[k-1])
	}
	h = (h ^ h>>32) * 0xC2B2AE3D27D4EB4F
	return h ^ h>>29
}

// memoTag is a part of a hash that does not choose a place. It is never 0.
func memoTag(h uint64) uint16 { return uint16(h>>32) | 1 }

func (s *memoSlot) holds(as byte, name, value string) bool {
	n := len(name)
	return s.as == as && int(s.name) == n && int(s.value) == len(value) &&
		string(s.buf[n:n+len(value)]) == value && string(s.buf[:n]) == name
}

func (s *memoSlot) put(as byte, name, value string) {
	if s == nil {
		return
	}
	s.as, s.name, s.value = as, uint8(len(name)), uint8(len(value))
	copy(s.buf[:], name)
	copy(s.buf[len(name):], value)
}
