package human

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// maxMarks is how many combining marks one letter may carry: Vietnamese needs two,
// Hebrew with accents four.
const maxMarks = 4

// Path writes the path of a URL with the letters that its percent-escapes stand for:
// /items/%ed%95%9c%ea%b8%80 becomes /items/한글. Of two paths that are not the same, no
// reader is to see one: nothing of ASCII is decoded, which has all that a URL is made of,
// and of the rest only letters and digits that are written from left to right, that no
// letter of ASCII looks like (a full-width A), and that stand there in their composed
// form (NFC), as what is typed has it; file names of some systems have not. All else
// stays as it was recorded: spaces, controls, what shows nothing, broken UTF-8.
func Path(p string) string {
	i := strings.IndexByte(p, '%')
	if i < 0 {
		return p
	}
	var b strings.Builder
	done := 0 // so much of p is in b
	for i < len(p) {
		raw, end := escaped(p, i)
		if len(raw) == 0 {
			i++
			continue
		}
		// What is not ASCII and not escaped may combine with what stands beside it.
		if (i == 0 || p[i-1] < utf8.RuneSelf) && (end == len(p) || p[end] < utf8.RuneSelf) {
			b.WriteString(p[done:i])
			letters(&b, raw, p[i:end])
			done = end
		}
		i = end
	}
	if done == 0 {
		return p
	}
	b.WriteString(p[done:])
	return b.String()
}

// escaped decodes the escapes of bytes beyond ASCII that stand at p[i:] one behind the
// other, up to end.
func escaped(p string, i int) (raw []byte, end int) {
	for i+2 < len(p) && p[i] == '%' {
		c, ok := unhex(p[i+1], p[i+2])
		if !ok || c < utf8.RuneSelf {
			break
		}
		raw = append(raw, c)
		i += 3
	}
	return raw, i
}

func unhex(a, b byte) (byte, bool) {
	digit := func(c byte) (byte, bool) {
		switch {
		case '0' <= c && c <= '9':
			return c - '0', true
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			return c | 0x20 - 'a' + 10, true
		}
		return 0, false
	}
	hi, ok := digit(a)
	lo, also := digit(b)
	return hi<<4 | lo, ok && also
}

// letters writes raw as far as it is shown decoded, and what is not as it is in text,
// where each byte has three.
func letters(b *strings.Builder, raw []byte, text string) {
	from, marks := 0, maxMarks // raw[from:i] are letters; no mark without one before it
	flush := func(i int) {
		if s := raw[from:i]; norm.NFC.IsNormal(s) {
			b.Write(s)
		} else {
			b.WriteString(text[3*from : 3*i])
		}
	}
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		switch {
		case letter(r):
			marks = 0
		case mark(r) && marks < maxMarks:
			marks++
		default:
			flush(i)
			b.WriteString(text[3*i : 3*(i+size)])
			from, marks = i+size, maxMarks
		}
		i += size
	}
	flush(len(raw))
}

// letter reports whether r may be shown for its escapes: a letter or digit that can not
// be taken for one of ASCII, and does not turn the order of what is beside it.
func letter(r rune) bool {
	if r < utf8.RuneSelf || r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.Is(unicode.Nd, r) || blank(r) {
		return false
	}
	if p, _ := bidi.LookupRune(r); p.Class() != bidi.L {
		return false
	}
	for _, c := range norm.NFKC.String(string(r)) {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

func mark(r rune) bool { return unicode.IsMark(r) && !unicode.Is(unicode.Me, r) && !blank(r) }

// blank are the letters and marks that show nothing.
func blank(r rune) bool {
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}
