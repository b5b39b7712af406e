package sanitize

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Roles a key can have beside being sensitive: its value says something about
// its siblings.
type role uint8

const (
	roleNone role = iota
	roleName
	roleValue
	roleColumns
	roleRows
	roleMethod
	roleParams
)

// decision is what the key policy says about one key in one scope.
type decision struct {
	rule  ruleID
	flags uint8
	role  role
	hit   bool // the key itself contains something a detector finds
	keep  bool // listed as harmless (allow-list mode, Options.Keep)
}

// The key cache: the same few keys come again and again, so that the full
// match, with its folding and segmenting, is rarely run. Direct mapped, exact
// (a hit compares the whole key), private to one run.
const (
	cacheSize   = 512
	maxCacheKey = 32
)

type cacheEntry struct {
	a, b, c, e uint64
	n          uint8
	sc         scope
	ok         bool
	dec        decision
}

// key returns the decision for a key, given raw as it stands in its grammar.
func (r *run) key(k []byte, sc scope) decision {
	n := len(k)
	if n == 0 {
		return decision{}
	}
	if n > maxCacheKey {
		return r.decide(k, sc)
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
		a = uint64(binary.LittleEndian.Uint32(k))
		b = uint64(binary.LittleEndian.Uint32(k[n-4:]))
	default:
		a = uint64(k[0]) | uint64(k[n/2])<<8 | uint64(k[n-1])<<16
	}
	h := a*0x9E3779B97F4A7C15 ^ b*0xC2B2AE3D27D4EB4F ^ c*0x165667B19E3779F9 ^ e*0x27D4EB2F165667C5
	h += uint64(n)<<3 | uint64(sc)
	h *= 0x9E3779B97F4A7C15
	ent := &r.cache[h>>(64-9)]
	if ent.ok && ent.a == a && ent.b == b && ent.n == uint8(n) && ent.sc == sc && ent.c == c && ent.e == e {
		return ent.dec
	}
	dec := r.decide(k, sc)
	*ent = cacheEntry{a: a, b: b, c: c, e: e, n: uint8(n), sc: sc, ok: true, dec: dec}
	return dec
}

// decide is the uncached key policy, with the detectors run on the key.
func (r *run) decide(k []byte, sc scope) decision {
	r.keys.normalize(k)
	dec := r.rs.match(&r.keys, sc)
	if dec.rule == ruleNone && r.rs.mode == ModeAllow && sc != scopeText && !r.rs.allow.has(r.keys.text) {
		dec.rule = ruleUnlisted
	}
	if sc == scopeBody {
		if len(r.keys.text) <= len(k) {
			dec.role = roleOf(r.keys.text)
		}
	}
	if dec.rule == ruleNone && !dec.keep && len(k) < 64 && r.keys.unleet(k) {
		if leet := r.rs.match(&r.keys, sc); leet.flags&wLong != 0 {
			dec.rule = leet.rule
		}
	}
	if sc == scopeBody {
		if dec.rule == ruleNone && !r.rs.keysOnly && len(k) >= 6 {
			if d := r.push(len(k)); d != nil {
				d.buf = appendUnescaped(d.buf, k)
				d.src = d.buf
				r.text(d, 0, len(d.src), scopeBody, false)
				dec.hit = d.changed(mark{})
				r.pop()
			} else {
				dec.hit = true
			}
		}
	}
	return dec
}

// keyScratch holds a key in normal form: its words in lower case, joined, with
// a bit where each word starts.
type keyScratch struct {
	text   []byte
	starts []bool // starts[i]: a word begins at text[i]
	tail   int    // where the last word begins; -1: not looked for yet
	safe   bool   // the last word makes the key metadata
	policy int    // where the last "policy" begins, -1
	a, b   []byte
}

// normalize puts k into normal form: unescape (JSON, percent, character
// references, in any order, a few times over), decode, NFKC, fold, drop what
// is invisible, split into words.
func (ks *keyScratch) normalize(k []byte) {
	ks.reset()
	if bytes.Contains(k, []byte("[masked:")) {
		k = withoutMarkers(k)
	}
	ascii := true
	for _, c := range k {
		if c >= 0x80 || c == '%' || c == '\\' || c == '&' || c == '+' {
			ascii = false
			break
		}
	}
	if ascii {
		ks.segment(k)
		return
	}
	ks.a = append(ks.a[:0], k...)
	for range 4 {
		ks.b = appendUnescaped(ks.b[:0], ks.a)
		ks.a, ks.b = ks.b, ks.a
		ks.b = appendPercentDecoded(ks.b[:0], ks.a, false)
		ks.a, ks.b = ks.b, ks.a
		ks.b = appendEntityDecoded(ks.b[:0], ks.a)
		same := bytes.Equal(ks.a, ks.b)
		ks.a, ks.b = ks.b, ks.a
		if same && !bytes.ContainsAny(ks.a, "%\\&") {
			break
		}
	}
	ks.a = bytes.TrimPrefix(ks.a, []byte("amp;"))
	if !utf8.Valid(ks.a) {
		ks.b = appendEUCKR(ks.b[:0], ks.a)
		ks.a, ks.b = ks.b, ks.a
	}
	ks.b = norm.NFKC.Append(ks.b[:0], ks.a...)
	ks.segment(ks.b)
}

func (ks *keyScratch) reset() {
	ks.text = ks.text[:0]
	ks.starts = ks.starts[:0]
	ks.tail = -1
}

// withoutMarkers returns k without the markers that an earlier pass left in
// it: their rule names are not words of the key.
func withoutMarkers(k []byte) []byte {
	var out []byte
	for {
		i := bytes.Index(k, []byte("[masked:"))
		if i < 0 {
			return append(out, k...)
		}
		out = append(out, k[:i]...)
		j := bytes.IndexByte(k[i:], ']')
		if j < 0 {
			return out
		}
		out = append(out, ' ')
		k = k[i+j+1:]
	}
}

// unleet segments the key once more with the digits and signs that people
// write for letters; it reports whether there are any between letters.
func (ks *keyScratch) unleet(k []byte) bool {
	letters, signs := 0, 0
	ks.b = ks.b[:0]
	for _, c := range k {
		switch c {
		case '0':
			c = 'o'
		case '1', '!':
			c = 'i'
		case '3':
			c = 'e'
		case '4', '@':
			c = 'a'
		case '5', '$':
			c = 's'
		case '7':
			c = 't'
		default:
			if (c|0x20)-'a' < 26 {
				letters++
			}
			ks.b = append(ks.b, c)
			continue
		}
		signs++
		ks.b = append(ks.b, c)
	}
	if letters < 3 || signs == 0 {
		return false
	}
	ks.reset()
	ks.segment(ks.b)
	return true
}

const (
	classSep = iota
	classLower
	classUpper
	classDigit
	classOther
)

func (ks *keyScratch) segment(k []byte) {
	prev := classSep
	for i := 0; i < len(k); {
		c := rune(k[i])
		n := 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRune(k[i:])
			if f, ok := confusables[c]; ok {
				c = f
			}
		}
		cls := classSep
		switch {
		case 'a' <= c && c <= 'z':
			cls = classLower
		case 'A' <= c && c <= 'Z':
			cls = classUpper
		case '0' <= c && c <= '9':
			cls = classDigit
		case c < 0x20, c == 0x7f, c >= 0x80 && invisible(c):
			i += n
			continue // invisible: as if it were not there
		case c >= 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)):
			cls = classOther
			if l := unicode.ToLower(c); l < utf8.RuneSelf { // what folds into ASCII counts as ASCII
				c, cls = l, classLower
			}
		}
		if cls == classSep {
			prev = classSep
			i += n
			continue
		}
		start := false
		switch {
		case prev == classSep:
			start = true
		case cls == classUpper:
			start = prev != classUpper
			if prev == classUpper && i+n < len(k) && 'a' <= k[i+n] && k[i+n] <= 'z' {
				start = true // the last capital of a run begins the next word: APIKey
			}
		case cls == classLower:
			start = prev == classDigit || prev == classOther
		case cls == classOther:
			start = prev != classOther
		}
		if cls == classUpper {
			c += 'a' - 'A'
		}
		at := len(ks.text)
		if c < utf8.RuneSelf {
			ks.text = append(ks.text, byte(c))
		} else {
			ks.text = utf8.AppendRune(ks.text, unicode.ToLower(c))
		}
		for len(ks.starts) < len(ks.text) {
			ks.starts = append(ks.starts, false)
		}
		ks.starts[at] = start
		prev = cls
		i += n
	}
}

func invisible(c rune) bool {
	return unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Mn, c) || unicode.Is(unicode.Cc, c) || c == 0x115F || c == 0x1160 || c == 0x3164 || c == 0xFFFD
}

// confusables are letters of other scripts that people mistake for the Latin
// ones in the default key words.
var confusables = map[rune]rune{
	'а': 'a', 'А': 'A', 'с': 'c', 'С': 'C', 'е': 'e', 'Е': 'E', 'о': 'o', 'О': 'O', 'р': 'p', 'Р': 'P', 'ѕ': 's', 'Ѕ': 'S',
	'і': 'i', 'І': 'I', 'ј': 'j', 'к': 'k', 'К': 'K', 'м': 'm', 'М': 'M', 'н': 'h', 'Н': 'H', 'т': 't', 'Т': 'T', 'х': 'x', 'Х': 'X', 'у': 'y', 'У': 'Y', 'В': 'B', 'ԁ': 'd', 'ԝ': 'w',
	'ο': 'o', 'Ο': 'O', 'α': 'a', 'Α': 'A', 'ρ': 'p', 'Ρ': 'P', 'Κ': 'K', 'κ': 'k', 'ν': 'v', 'τ': 't', 'Τ': 'T', 'ι': 'i', 'Ι': 'I', 'Ε': 'E', 'Ν': 'N', 'Ѵ': 'V',
	'ſ': 's', '\u212A': 'k', 'ı': 'i',
}

// wordEnds calls f at the end of each word of the key, and once more before
// the digits that end it, until f returns false.
func (ks *keyScratch) wordEnds(f func(end, next int) bool) {
	n := len(ks.text)
	start := 0
	for i := 1; i <= n; i++ {
		if i < n && !ks.starts[i] {
			continue
		}
		if !f(i, i) {
			return
		}
		e := i
		for e > start && '0' <= ks.text[e-1] && ks.text[e-1] <= '9' {
			e--
		}
		if e < i && e > start && !f(e, i) {
			return
		}
		start = i
	}
}

// match applies the words of the ruleset to a normalized key.
func (rs *ruleset) match(ks *keyScratch, sc scope) decision {
	t := ks.text
	n := len(t)
	if n == 0 {
		return decision{}
	}
	if rs.keep.has(t) {
		return decision{keep: true}
	}
	if id := rs.globs.match(t, sc); id != ruleNone {
		return decision{rule: id}
	}
	var best decision
	bestLen := 0
	ks.wordEnds(func(end, next int) bool {
		for i := range rs.words[t[end-1]] {
			w := &rs.words[t[end-1]][i]
			if w.scopes&(1<<sc) == 0 || len(w.text) > end || string(t[end-len(w.text):end]) != w.text {
				continue
			}
			start := end - len(w.text)
			if !ks.starts[start] && w.flags&wSuffix == 0 {
				continue
			}
			if w.flags&wExact != 0 && (start != 0 || next != n) {
				continue
			}
			if w.rule < firstFixed && ks.metadata(next) {
				continue
			}
			if len(w.text) > bestLen || best.flags&(wStrings|wCounter) != 0 && w.flags&(wStrings|wCounter) == 0 {
				best = decision{rule: w.rule, flags: w.flags & (wStrings | wCounter)}
				if len(w.text) >= 5 && w.flags&wSuffix != 0 {
					best.flags |= wLong
				}
				bestLen = len(w.text)
			}
		}
		return true
	})
	if best.rule == ruleNone {
		best = rs.matchInside(ks, sc)
	}
	return best
}

// matchInside finds words that stand inside an unbroken one: Korean words, and
// "passwordconfirm".
func (rs *ruleset) matchInside(ks *keyScratch, sc scope) decision {
	t := ks.text
	for i := range rs.parts {
		w := &rs.parts[i]
		if w.scopes&(1<<sc) == 0 {
			continue
		}
		at := bytes.Index(t, w.bytes)
		if at < 0 {
			continue
		}
		end := at + len(w.bytes)
		if w.flags&wPart != 0 {
			if koreanMetadata(t[end:]) || ks.metadata(end) {
				continue
			}
			return decision{rule: w.rule}
		}
		if !ks.starts[at] { // a suffix word with a known ending
			continue
		}
		stop := end
		for stop < len(t) && !ks.starts[stop] {
			stop++
		}
		if stop > end && tailAffixes[string(t[end:stop])] && !ks.metadata(stop) {
			return decision{rule: w.rule}
		}
	}
	return decision{}
}

func koreanMetadata(tail []byte) bool {
	for _, s := range safeTailsKorean {
		if strings.HasSuffix(string(tail), s) {
			return true
		}
	}
	return false
}

// metadata reports whether the words from end on say that the key is about a
// secret and not the secret itself: the last word does, or "policy" is one of
// them.
func (ks *keyScratch) metadata(end int) bool {
	if end >= len(ks.text) {
		return false
	}
	if ks.tail < 0 {
		ks.findTail()
	}
	return ks.safe && ks.tail >= end || ks.policy >= end
}

func (ks *keyScratch) findTail() {
	n := len(ks.text)
	ks.tail, ks.policy = n, -1
	last := n
	for i := n - 1; i >= 0; i-- {
		if !ks.starts[i] {
			continue
		}
		if ks.tail == n {
			ks.tail = i
			ks.safe = safeTails[string(ks.text[i:n])]
		}
		if string(ks.text[i:last]) == "policy" {
			ks.policy = i
			return
		}
		last = i
	}
}

func roleOf(t []byte) role {
	if len(t) > 12 {
		return roleNone
	}
	switch string(t) {
	case "name", "key", "k", "field", "fieldname", "label", "id", "param", "parameter", "attribute", "property", "header", "variable", "column", "type", "n":
		return roleName
	case "value", "val", "v", "content", "contents", "data", "text", "answer", "input", "default", "newvalue", "oldvalue", "current", "previous", "raw", "stringvalue", "to", "from":
		return roleValue
	case "columns", "fields", "headers", "cols", "names", "columnnames", "schema":
		return roleColumns
	case "rows", "records", "tuples", "values", "items", "result", "results":
		return roleRows
	case "method":
		return roleMethod
	case "params", "arguments", "args":
		return roleParams
	}
	return roleNone
}
