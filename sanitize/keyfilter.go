package sanitize

import (
	"math"
	"unicode/utf8"
)

// keyFilter tells of most texts that no key word stands in them, without taking them
// apart as a key is: a word can only be there if each three letters of it are. Three of
// each word, rare ones, are in a table. Only where such a three is, all of the word is
// looked for; of a Korean word, two syllables are enough to say that it may be there.
type keyFilter struct {
	class     [256]uint8 // of bytes: see below
	three     [1 << 15 / 64]uint64
	syllables [1 << pairBits / 64]uint64 // hashes of two neighbours
	words     []filterWord
	first     [filterHeads]int16 // by threeHash, the first word and one more
}

// filterWord is a word in classes.
type filterWord struct {
	three uint16 // its rarest three, the last of which is word[at]
	at    uint8
	next  int16 // of those with the same hash, and one more
	word  []byte
}

const filterHeads = 512

func threeHash(three uint16) uint32 { return uint32(three) * 0x9E3779B1 >> (32 - 9) }

// Letters are 1 to 26, digits the letters that they are written for or 27 to 30.
const (
	filterSkip   = 0 // separates words, which does not keep a key word from standing there
	filterHangul = 32
	filterStop   = 33 // may be read as something else than it is
)

const (
	firstHangul = 0xAC00
	lastHangul  = 0xD7A3
	pairBits    = 12
)

// commonLetters are letters from the most to the least common.
const commonLetters = "etaoinsrhldcumfpgwybvkxjqz"

// newKeyFilter is the filter for the words of rs, nil if there can be none.
func newKeyFilter(rs *ruleset) *keyFilter {
	if len(rs.globs) > 0 {
		return nil
	}
	f := new(keyFilter)
	for c := range f.class {
		switch {
		case c >= 0xea && c <= 0xed:
			f.class[c] = filterHangul
		case c >= utf8.RuneSelf:
			f.class[c] = filterStop
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			f.class[c] = uint8(c|0x20-'a') + 1
		}
	}
	for _, c := range `%\&+[!@$` {
		f.class[c] = filterStop
	}
	const leet, other = "0o1i3e4a5s7t", "2689" // see unleet
	for i := 0; i < len(leet); i += 2 {
		f.class[leet[i]] = f.class[leet[i+1]]
	}
	for i := range len(other) {
		f.class[other[i]] = 27 + uint8(i)
	}
	for i := range rs.words {
		for _, w := range rs.words[i] {
			if !f.add(w.text) {
				return nil
			}
		}
	}
	for _, p := range rs.parts {
		if !f.add(string(p.bytes)) {
			return nil
		}
	}
	return f
}

// add adds a word in normal form. It reports false if the filter can not tell of it.
func (f *keyFilter) add(w string) bool {
	var rarity [32]int
	for i, c := range commonLetters {
		rarity[f.class[c]] = i
	}
	var word []byte
	best, three, at, h := -1, 0, 0, 0
	before := rune(-1)
	for _, c := range w {
		switch {
		case c >= firstHangul && c <= lastHangul:
			if before >= 0 {
				p := pairHash(uint32(before), uint32(c-firstHangul))
				f.syllables[p/64] |= 1 << (p % 64)
				return true
			}
			before = c - firstHangul
			continue
		case c >= utf8.RuneSelf: // of a text that has one it is not asked
			return true
		}
		k := f.class[c]
		word = append(word, k)
		h = (h<<5 | int(k)) & (1<<15 - 1)
		if n := len(word); n >= 3 {
			if s := rarity[h>>10] + rarity[h>>5&31] + rarity[h&31]; s > best {
				best, three, at = s, h, n-1
			}
		}
	}
	switch {
	case before >= 0 || len(word) < 2 || len(word) > math.MaxUint8 || len(f.words) > math.MaxInt16-32:
		return false
	case len(word) == 2:
		for k := range 32 {
			f.addThree(k<<10|h, 1, word)
		}
	default:
		f.addThree(three, at, word)
	}
	return true
}

func (f *keyFilter) addThree(h, at int, word []byte) {
	f.three[h/64] |= 1 << (h % 64)
	first := &f.first[threeHash(uint16(h))]
	f.words = append(f.words, filterWord{three: uint16(h), at: uint8(at), next: *first, word: word})
	*first = int16(len(f.words))
}

func pairHash(a, b uint32) uint32 { return (a*0x9E3779B1 ^ b) * 0x85EBCA77 >> (32 - pairBits) }

// mayMatch reports false only if no key word of the ruleset stands in v.
func (rs *ruleset) mayMatch(v []byte) bool {
	f := rs.filter
	if f == nil {
		return true
	}
	h, before := uint32(0), uint32(0)
	for i := 0; i < len(v); i++ {
		k := uint32(f.class[v[i]])
		if k < filterHangul {
			if n := (h<<5 | k) & (1<<15 - 1); k != filterSkip {
				h = n
			}
			if f.three[h/64]&(1<<(h%64)) != 0 && k != filterSkip && f.stands(uint16(h), v, i) {
				return true
			}
			continue
		}
		if k == filterStop || len(v)-i < 3 || v[i+1]>>6 != 2 || v[i+2]>>6 != 2 {
			return true
		}
		c := uint32(v[i]&0xf)<<12 | uint32(v[i+1]&0x3f)<<6 | uint32(v[i+2]&0x3f) - firstHangul
		p := pairHash(before, c)
		if c > lastHangul-firstHangul || f.syllables[p/64]&(1<<(p%64)) != 0 {
			return true
		}
		before = c
		h = 0
		i += 2
	}
	return false
}

// stands reports whether a word stands in v, the three of which ends at v[i].
func (f *keyFilter) stands(three uint16, v []byte, i int) bool {
next:
	for n := f.first[threeHash(three)]; n != 0; n = f.words[n-1].next {
		w := &f.words[n-1]
		if w.three != three {
			continue
		}
		p := i + 1
		for _, want := range w.word[w.at+1:] {
			for p < len(v) && f.class[v[p]] == filterSkip {
				p++
			}
			if p == len(v) || f.class[v[p]] != want {
				continue next
			}
			p++
		}
		p = i
		for k := int(w.at); k >= 0; k-- {
			for p >= 0 && f.class[v[p]] == filterSkip {
				p--
			}
			if p < 0 || f.class[v[p]] != w.word[k] {
				continue next
			}
			p--
		}
		return true
	}
	return false
}
