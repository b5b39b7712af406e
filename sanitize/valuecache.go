package sanitize

// The value cache: states, currencies, names of shops come again and again, in one
// list or from one body to the next. Of short values in which nothing was found, the
// last ones are kept, so that the next time they are compared and not read. Direct
// mapped, exact (a hit compares the whole value), private to one run. Only what may be
// shown is kept.
const (
	valueSlots = 128
	maxValue   = 31
)

// maxName is the length from which on a value is not taken for a name, in bytes.
const maxName = 78

// valueSlot is a value and the quote behind it, n bytes together; n is 0 when there is
// nothing. Up to 8 bytes are in a; of more, the first 8 are in a and the last 8 in b,
// those from the 8th on in c and from the 16th on in d where there are so many.
type valueSlot struct {
	a, b, c, d uint64
	n          uint8
	noKey      bool // no key word stands in it
}

// valueAt returns the place of the value that begins at src[i].
func (r *run) valueAt(src []byte, i int) *valueSlot {
	h := eight(src, i) * 0x9E3779B97F4A7C15
	return &r.values[h>>(64-7)]
}

// is returns the index of the quote behind the value when it is the one that begins at
// src[i], and 0 otherwise.
func (s *valueSlot) is(src []byte, i int) int {
	n := int(s.n)
	a := eight(src, i)
	if n <= 8 {
		if n == 0 || (a^s.a)<<(64-8*n) != 0 {
			return 0
		}
		return i + n - 1
	}
	if a != s.a || eight(src, i+n-8) != s.b ||
		n > 16 && (eight(src, i+8) != s.c || n > 24 && eight(src, i+16) != s.d) {
		return 0
	}
	return i + n - 1
}

// put keeps the value of n bytes at src[i].
func (s *valueSlot) put(src []byte, i, n int, noKey bool) {
	if n > maxValue {
		return
	}
	n++
	s.n, s.noKey = uint8(n), noKey
	s.a = eight(src, i)
	if n > 8 {
		s.b = eight(src, i+n-8)
		if n > 16 {
			s.c = eight(src, i+8)
			s.d = eight(src, i+16)
		}
	}
}

// Whether the values of a key come again shows by trying: while they do, each is
// looked for; once they do not, one in sixteen.
const (
	luckFirst = 2
	luckMost  = 4
	luckLeast = -14
)

// tryAgain reports whether to look for a value although the last ones were new.
func (ent *cacheEntry) tryAgain() bool {
	ent.luck--
	if ent.luck >= luckLeast {
		return false
	}
	ent.luck = luckFirst
	return true
}
