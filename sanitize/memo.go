package sanitize

import "hash/maphash"

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
	memoBytes = 253 // a name and a value: most User-Agents fit
)

// memo remembers short values that passed as they were. Most headers of a
// service say the same thing again and again: Accept, Content-Type, the same
// dozen User-Agents. Only what may be shown is kept, at most 16 KiB of it, and a
// hit compares it all. A value has two places, so that two that come in turns do not
// drive each other out. Private to one run.
type memo struct {
	slots [memoSlots]memoSlot
}

type memoSlot struct {
	as, name, value uint8
	buf             [memoBytes]byte
}

// slot returns where the value would be, nil when it is too long or so short
// that it is read as fast, and whether it is there.
func (m *memo) slot(seed maphash.Seed, as byte, name, value string) (s *memoSlot, hit bool) {
	if len(value) < 4 || len(name)+len(value) > memoBytes {
		return nil, false
	}
	h := maphash.String(seed, value)
	n := len(name)
	if n > 0 { // many fields have the same value: "application/json"
		h += uint64(n) + 3*uint64(name[0]) + 5*uint64(name[n-1])
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
	return s, false
}

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
