package sanitize

import (
	"encoding/binary"
	"math/bits"
)

// Most members of most objects are the ones that came the last time, with a short
// value in which there is nothing to find. The lane reads those, one after the other,
// and leaves all else to the reader: what it passes, the reader would have passed.

// laneStop says what stands where the lane has ended.
type laneStop uint8

const (
	laneKey   laneStop = iota // a key
	laneMiss                  // a key, and not the one that came next the last time
	laneValue                 // a value
	laneAfter                 // what follows a value
	laneLook                  // the quote behind a string that has to be looked into, and nothing else
)

// laneRoom is how many bytes follow the beginning of a member that the lane reads: a
// key and a value as they are remembered, with the eight bytes that are compared at a
// time, or a number.
const laneRoom = 2 + maxCacheKey + 3 + maxValue + 16

// lane reads members from the key at src[i] on, of the object in frame top, the key
// before which was prev's. It returns where it has ended, at what, the key whose value
// has not been read or -1 (or where the string to be looked into begins), and the last
// key. Where the object is one of a list, the next one takes its place.
func (r *run) lane(src []byte, i, base, top int, prev *cacheEntry) (end, owed int, last *cacheEntry, stop laneStop) {
	look := !r.rs.keysOnly
	f, list := &r.frames[top], (*frame)(nil)
	if top > base && f.role == roleNone && f.slot < 0 && int(f.pend) == len(r.pend) {
		if p := &r.frames[top-1]; p.flags&(fObject|fRow) == 0 {
			list = p
		}
	}
	for len(src)-i >= laneRoom {
		ent := &r.cache[prev.next%cacheSize]
		p := i + 1 + int(ent.tag>>8)
		if (eight(src, i+1)^ent.a)<<ent.shift != 0 || src[p] != '"' || ent.as == keyOther || p > i+1+8 && !ent.ends(src, i+1) {
			ent = &r.cache[prev.other%cacheSize]
			if p = ent.guess(src, i+1); p == 0 {
				return i, -1, prev, laneMiss
			}
			prev.next, prev.other = prev.other, prev.next
		}
		if src[p+1] != ':' {
			break
		}
		if p += 2; src[p] == ' ' {
			p++
		}
		prev = ent
		switch c := src[p]; {
		case c == '"':
			if ent.as <= keySpecial {
				return p, i, ent, laneValue
			}
			var q int
			var slot *valueSlot
			if ent.luck > 0 || ent.tryAgain() {
				slot = r.valueAt(src, p+1)
				q = slot.is(src, p+1)
				if q > 0 && (ent.as == keyPlain || slot.noKey) {
					ent.luck = luckMost
					if ent.as == keyName {
						f.flags |= fNamed
					}
					p = q + 1
					break
				}
				ent.luck--
			}
			q, saw := scanString(src, p+1)
			if q < 0 || saw&sawEscape != 0 || saw&sawHigh != 0 && !validText(src, p+1, q) {
				return p, i, ent, laneValue
			}
			v := src[p+1 : q]
			if look && len(v) >= 4 && !r.rs.plain(v) {
				if ent.as == keyPlain {
					return q, p, ent, laneLook
				}
				return p, i, ent, laneValue
			}
			noKey := false
			if ent.as >= keyLabel && len(v) < maxName {
				if r.rs.mayMatch(v) {
					return p, i, ent, laneValue
				}
				noKey = true
				if ent.as == keyName {
					f.flags |= fNamed
				}
			}
			if slot != nil {
				slot.put(src, p+1, len(v), noKey)
			}
			p = q + 1
		case c-'0' < 10:
			if ent.as <= keySpecial {
				return p, i, ent, laneValue
			}
			q := shortNumber(src, p)
			if q == 0 {
				return p, i, ent, laneValue
			}
			p = q
		default:
			q := shortLiteral(src, p)
			if q == 0 {
				return p, i, ent, laneValue
			}
			p = q
		}
		if len(src)-p < 4 {
			return p, -1, prev, laneAfter
		}
		switch {
		case src[p] == ',':
			i = p + 1
			if src[i] == ' ' {
				i++
			}
			if src[i] != '"' {
				return p, -1, prev, laneAfter
			}
		case list != nil && binary.LittleEndian.Uint32(src[p:p+4:len(src)]) == '}'|','<<8|'{'<<16|'"'<<24:
			f.flags, f.name, f.col, f.cols, f.start = fObject, ruleNone, ruleNone, 0, p+2
			if list.flags&fTrack != 0 {
				list.idx++
			}
			i = p + 3
		default:
			return p, -1, prev, laneAfter
		}
	}
	return i, -1, prev, laneKey
}

// shortNumber returns the end of the number at src[i] when it has no more than eleven
// digits before a point, and eight bytes from the point on, and the next member or the
// end of the object follows; otherwise 0.
func shortNumber(src []byte, i int) int {
	n := digitsAt(src, i)
	if n == 8 {
		if n += digitsAt(src, i+8); n > 11 {
			return 0
		}
	}
	if src[i] == '0' && n > 1 {
		return 0
	}
	k := i + n
	if src[k] == '.' {
		n := digitsAt(src, k+1)
		if n == 0 {
			return 0
		}
		k += 1 + n
	}
	if src[k] != ',' && src[k] != '}' {
		return 0
	}
	return k
}

// digitsAt returns how many digits stand at src[i]; 8 may be more.
func digitsAt(src []byte, i int) int {
	x := eight(src, i) ^ '0'*swarOnes
	return bits.TrailingZeros64((x+0x76*swarOnes|x)&swarHighs) >> 3
}

// shortLiteral returns the end of true, false or null at src[i], otherwise 0.
func shortLiteral(src []byte, i int) int {
	switch binary.LittleEndian.Uint32(src[i : i+4 : len(src)]) {
	case 't' | 'r'<<8 | 'u'<<16 | 'e'<<24, 'n' | 'u'<<8 | 'l'<<16 | 'l'<<24:
		return i + 4
	case 'f' | 'a'<<8 | 'l'<<16 | 's'<<24:
		if src[i+4] == 'e' {
			return i + 5
		}
	}
	return 0
}
