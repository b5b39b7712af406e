package sanitize

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

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
