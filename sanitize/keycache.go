package sanitize

import (
	"encoding/binary"
	"math/bits"
)

// The key cache: the same few keys come again and again, so that the full
// match, with its folding and segmenting, is rarely run. Direct mapped, exact
// (a hit compares the whole key), private to one run.
const (
	cacheSize   = 512
	maxCacheKey = 32
)

// cacheEntry is a key of n bytes and what was decided about it. Up to 7 bytes are
// in a; of more, the first 8 are in a and the last 8 in b, those from the 8th on
// in c and from the 16th on in e where there are so many.
type cacheEntry struct {
	a, b, c, e uint64
	tag        uint32 // length and scope; 0 when nothing is here
	dec        decision
	next       uint16 // the entry of the JSON key that came after this one
	other      uint16 // … and of the one that came before that: "id" is in many objects
	as         keyAs  // what is known of the key as one of JSON
	shift      uint8  // how many bits of eight bytes are not of the key
	luck       int8   // above 0: its values come again; else how often they were not looked for
}

// keyAs says what the key is where it is one of JSON.
type keyAs uint8

const (
	keyOther   keyAs = iota // not known to be the inside of a JSON string, or not harmless itself
	keySpecial              // its value is hidden, or says something about its siblings
	keyPlain                // its value is a value
	keyLabel                // its value may be the name of what stands beside it
	keyName                 // … and is a name
)

func keyKind(dec decision) keyAs {
	switch {
	case dec.rule != ruleNone:
		return keySpecial
	case dec.role == roleNone:
		return keyPlain
	case dec.role == roleLabel:
		return keyLabel
	case dec.role == roleName:
		return keyName
	}
	return keySpecial
}

// key returns the decision for a key, given raw as it stands in its grammar.
func (r *run) key(k []byte, sc scope) decision {
	dec, _ := r.lookup(k, sc)
	return dec
}

// lookup is key with the place in the cache, -1 for a key that is not kept.
func (r *run) lookup(k []byte, sc scope) (decision, int) {
	n := len(k)
	if n == 0 {
		return decision{}, -1
	}
	if n > maxCacheKey {
		return r.decide(k, sc), -1
	}
	var a, b, c, e uint64
	switch {
	case n >= 8:
		a = binary.LittleEndian.Uint64(k)
		b = binary.LittleEndian.Uint64(k[n-8:])
		if n > 16 {
			c = binary.LittleEndian.Uint64(k[8:])
			if n > 24 {
				e = binary.LittleEndian.Uint64(k[16:])
			}
		}
	case n >= 4:
		a = uint64(binary.LittleEndian.Uint32(k)) | uint64(binary.LittleEndian.Uint32(k[n-4:]))<<(8*(n-4))
	default:
		a = uint64(k[0]) | uint64(k[n/2])<<(8*(n/2)) | uint64(k[n-1])<<(8*(n-1))
	}
	tag := uint32(n)<<8 | uint32(sc)
	h := (a ^ bits.RotateLeft64(b, 23) ^ bits.RotateLeft64(c, 41) ^ bits.RotateLeft64(e, 11) ^ uint64(tag)) * 0x9E3779B97F4A7C15
	at := int((h ^ h>>29) * 0xC2B2AE3D27D4EB4F >> (64 - 9))
	ent := &r.cache[at]
	if ent.tag == tag && ent.a == a && ent.b == b && ent.c == c && ent.e == e {
		return ent.dec, at
	}
	dec := r.decide(k, sc)
	*ent = cacheEntry{a: a, b: b, c: c, e: e, tag: tag, dec: dec}
	return dec, at
}

// The objects of a list have the same keys in the same order. The reader of JSON
// therefore compares with the key that came next the last time before it looks
// where the key ends: guess returns the index of the quote behind the key of ent
// when that is what begins at src[i], and 0 otherwise.
func (ent *cacheEntry) guess(src []byte, i int) int {
	n := int(ent.tag >> 8)
	if i+n+8 > len(src) || src[i+n] != '"' || ent.as == keyOther || (eight(src, i)^ent.a)<<ent.shift != 0 || n > 8 && !ent.ends(src, i) {
		return 0
	}
	return i + n
}

// ends reports that what begins at src[i] goes on like the key, which has more than the
// eight bytes that are known to be the same.
func (ent *cacheEntry) ends(src []byte, i int) bool {
	n := int(ent.tag >> 8)
	return eight(src, i+n-8) == ent.b &&
		(n <= 16 || eight(src, i+8) == ent.c && (n <= 24 || eight(src, i+16) == ent.e))
}

// follow notes that the key at place at came after prev, and returns its entry.
func (r *run) follow(prev *cacheEntry, at int, dec decision) *cacheEntry {
	if at < 0 || dec.hit() {
		return prev
	}
	ent := &r.cache[at]
	if ent.as == keyOther {
		ent.as, ent.luck = keyKind(dec), luckFirst
		ent.shift = 64 - 8*uint8(min(ent.tag>>8, 8))
	}
	if prev.next != uint16(at) {
		prev.next, prev.other = uint16(at), prev.next
	}
	return ent
}
