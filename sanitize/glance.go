package sanitize

import (
	"math/bits"
)

// Most values that are looked into hold nothing that could be sensitive: words, a
// date, an id. A glance at a value finds that out in one pass without a branch:
// a table gives each byte the hints that it begins, in its low half, and those that
// it may end, in its high half; a hint stands where both are for two neighbours.
// Whatever the detectors look for shows itself by such a pair: "--", a "b" before an
// "a" or "e", "<" before a letter. That a glance says "plain" means exactly that
// the full inspection would change nothing; it is a shortcut, not a judgement.
type hints uint32

const (
	hintAlways   hints = 1 << iota // @ = : ESC and line ends: keys and values, URLs, addresses
	hintCode                       // %20, +82, [123 and the marker of an earlier pass
	hintTag                        // <a
	hintQuery                      // ?a
	hintDashes                     // --
	hintPrefix                     // a separator inside a word, as in the prefixes of providers
	hintCapitals                   // AK, AI, LT …: prefixes without a separator
	hintRare                       // yJ of a token, Du of "Duplicate entry", \u
	hintWide                       // characters that hide text, in UTF-8
	hintBea                        // b before a or e, of bearer and basic …
	hintEar                        // … e before a, a before s …
	hintGap                        // … r or c before a space
	hintRow                        // ) before a space or V, of ") VALUES (" …
	hintVa                         // … V before a …
	hintLu                         // … l before u
	hintIBAN                       // a letter before a digit
	hintOTP                        // what the words before a one-time code end in, or any other script
	hintDigit                      // a digit
	hintCapital                    // a capital
	hintLetter                     // a letter, or a byte of another script
	hintGlue                       // what neither a word nor base64 has
	hintBreak                      // what no word has
	hintOpen                       // opens a document or a URL where it is a value's first byte
)

const (
	// hintAlone are hints of one byte.
	hintAlone = hintAlways | hintDigit | hintCapital | hintLetter | hintGlue | hintBreak | hintOpen
	// hintStrong are those that only a full inspection can judge.
	hintStrong = hintAlways | hintCode | hintTag | hintDashes | hintRare | hintWide
	// hintAnchor are those at which the text pass stops. See plainText.
	hintAnchor = hintAlways | hintCode | hintTag | hintQuery | hintDashes | hintPrefix | hintCapitals | hintRare | hintWide | hintBea | hintVa | hintDigit
	hintScheme = hintBea | hintEar | hintGap
	hintInsert = hintRow | hintVa | hintLu
)

// hintTable gives each byte the hints that it begins and, 32 bits further up, the
// ones that it may end.
type hintTable [256]uint64

func (t *hintTable) pair(h hints, first, second string) {
	for i := range len(first) {
		t[first[i]] |= uint64(h)
	}
	for i := range len(second) {
		t[second[i]] |= uint64(h) << 32
	}
}

func (t *hintTable) alone(h hints, is func(c byte) bool) {
	for c := range t {
		if is(byte(c)) {
			t[c] |= uint64(h)
		}
		t[c] |= uint64(h) << 32
	}
}

const (
	digitBytes  = "0123456789"
	lowerBytes  = "abcdefghijklmnopqrstuvwxyz"
	upperBytes  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letterBytes = lowerBytes + upperBytes
)

// newHintTable is the table of the detectors in this package. A hint may stand
// where its detector finds nothing, never the other way round.
func newHintTable() *hintTable {
	t := new(hintTable)
	var high []byte // of UTF-8
	for c := 0x80; c <= 0xff; c++ {
		high = append(high, byte(c))
	}
	t.alone(hintAlways, func(c byte) bool { return c == '@' || c == '=' || c == ':' || c == 0x1b || c == '\n' })
	t.pair(hintCode, "%+[", digitBytes+"abcdefABCDEF"+"mMrR")
	t.pair(hintTag, "<", letterBytes+digitBytes+string(high))
	t.pair(hintQuery, "?", letterBytes+digitBytes+`_-.%$\@[]`+string(high))
	t.pair(hintDashes, "-", "-")
	t.pair(hintPrefix, "-_.", letterBytes+digitBytes+"-_.")
	t.pair(hintCapitals, "ALE", "KSBCITGA")
	t.pair(hintRare, `yD\`, "Ju")
	t.pair(hintWide, "\xef\xe2\xc2\xcd", "\x80\x81\x8f\xad\xb8\xbb\xbc\xbd")
	t.pair(hintBea, "bB", "aeAE")
	t.pair(hintEar, "eaEA", "asAS")
	t.pair(hintGap, "rcRC", " \t%")
	t.pair(hintRow, ")", " \t\r\nvV")
	t.pair(hintVa, "vV", "aA")
	t.pair(hintLu, "lL", "uU")
	t.pair(hintIBAN, letterBytes, digitBytes)
	t.pair(hintOTP, "dtiDTI"+string(high), "epnEPN"+string(high))
	t.alone(hintDigit, isDigit)
	t.alone(hintCapital, func(c byte) bool { return c-'A' < 26 })
	t.alone(hintLetter, func(c byte) bool { return c >= 0x80 || isAlnum(c) && !isDigit(c) })
	t.alone(hintGlue, func(c byte) bool { return base64Value(c) > 63 && c != '=' })
	t.alone(hintBreak, func(c byte) bool { return !isAlnum(c) && c != '_' })
	t.alone(hintOpen, func(c byte) bool {
		return c <= ' ' || c == '{' || c == '[' || c == '"' || c == '<' || c == '/' || c == '?'
	})
	return t
}

// look returns all hints of v, which is not empty.
func (t *hintTable) look(v []byte) hints {
	k := t[v[0]]
	var h uint64
	i := 1
	for ; i+4 <= len(v); i += 4 {
		x := v[i : i+4 : len(v)]
		a, b, c, d := t[x[0]], t[x[1]], t[x[2]], t[x[3]]
		h |= k&(a>>32) | a&(b>>32) | b&(c>>32) | c&(d>>32)
		k = d
	}
	for ; i < len(v); i++ {
		a := t[v[i]]
		h |= k & (a >> 32)
		k = a
	}
	return hints(h) | hints(k)&hintAlone
}

// anchor returns the first place from i on at which the text pass has to stop,
// len(src) when there is none.
func (t *hintTable) anchor(src []byte, i int) int {
	k := t[src[i]]
	for i+8 < len(src) {
		v := src[i+1 : i+9]
		a, b, c, d := t[v[0]], t[v[1]], t[v[2]], t[v[3]]
		h := k&(a>>32) | a&(b>>32) | b&(c>>32) | c&(d>>32)
		e, f, g, l := t[v[4]], t[v[5]], t[v[6]], t[v[7]]
		h |= d&(e>>32) | e&(f>>32) | f&(g>>32) | g&(l>>32)
		if h&uint64(hintAnchor) != 0 {
			break
		}
		k = l
		i += 8
	}
	for ; i+1 < len(src); i++ {
		n := t[src[i+1]]
		if k&(n>>32)&uint64(hintAnchor) != 0 {
			return i
		}
		k = n
	}
	if k&uint64(hintAnchor&hintAlone) != 0 {
		return i
	}
	return len(src)
}

// maxGlance is how long a value may be to be glanced at, in bytes. Nearly every
// longer text has something at which the text pass stops.
const maxGlance = 512

// plain reports that the inspection of v, of at least four bytes, would find
// nothing. The numbers are the least lengths of what the detectors take.
func (rs *ruleset) plain(v []byte) bool {
	t, n := rs.hints, len(v)
	if !rs.glance || n > maxGlance {
		return false
	}
	if n >= 19 && n <= 36 {
		if v[4] == '-' && rs.dates && timestamp(v) || n == 36 && v[8] == '-' && uuidValue(v) {
			return true
		}
	}
	if hints(t[v[0]])&hintOpen != 0 || v[n-1] <= ' ' {
		return false
	}
	h := t.look(v)
	if h&hintStrong != 0 {
		return false
	}
	if n < 8 {
		return true
	}
	if h&hintInsert == hintInsert || n >= 12 && h&hintScheme == hintScheme { // "basic YTpi…"
		return false
	}
	if n >= 15 {
		switch {
		case h&hintPrefix != 0 && h&(hintDigit|hintCapital) != 0: // xoxb-0123456789
			return false
		case h&hintCapitals != 0, h&hintGlue == 0 && base64Like(v):
			return false
		}
	}
	return h&hintDigit == 0 || plainDigits(v, h)
}

// plainDigits is plain for a value with digits, which has no other hints.
func plainDigits(v []byte, h hints) bool {
	n := len(v)
	if h&hintBreak == 0 && h&hintLetter != 0 { // one word, and no number
		return isDigit(v[0]) || isDigit(v[1]) || !isDigit(v[2]) || !isDigit(v[3])
	}
	if n >= 15 && h&hintIBAN != 0 {
		return false
	}
	switch d := countDigits(v); {
	case d < 4:
		return true
	case d < 9: // no telephone number; a one-time code behind a word
		return h&hintOTP == 0
	}
	return false
}

// countDigits returns how many digits v, of at least eight bytes, has.
func countDigits(v []byte) int {
	n := 0
	for i, mask := 0, uint64(swarHighs); ; i += 8 {
		if i+8 > len(v) {
			if i == len(v) {
				return n
			}
			mask <<= 8 * (i + 8 - len(v)) // what was counted before
			i = len(v) - 8
		}
		w := eight(v, i)
		x := w &^ swarHighs
		n += bits.OnesCount64((x + (0x80-'0')*swarOnes) &^ (x + (0x7f-'9')*swarOnes) &^ w & mask)
		if i+8 == len(v) {
			return n
		}
	}
}
