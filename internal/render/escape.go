package render

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks one letter may carry: Vietnamese needs two,
// Hebrew with accents four; beyond is a column-breaking heap.
const maxMarks = 4

// Escape returns s as it can be shown on one line of a terminal: control
// characters (and with them ANSI sequences and line breaks), bidirectional
// controls, zero-width and unassigned characters become \n, \x1b or \u202e, a
// byte that is not UTF-8 becomes \xff. A masked value is shown as what it is:
// [masked:password] becomes ⟨masked: password⟩.
func Escape(s string) string {
	return showMasks(escape(s, false))
}

// escape does it; with breaks, a tab becomes spaces, for text whose lines have
// been taken apart already.
func escape(s string, breaks bool) string {
	i, marks := 0, 0
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:i])
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x`)
			b.WriteString(hex(uint64(s[i]), 2))
		case r == '\n' && !breaks:
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t' && breaks:
			b.WriteString("    ")
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\x`)
			b.WriteString(hex(uint64(r), 2))
		case unicode.IsGraphic(r) && marks <= maxMarks && !invisible(r):
			b.WriteString(s[i : i+size])
		case r > 0xffff:
			b.WriteString(`\U`)
			b.WriteString(hex(uint64(r), 8))
		default:
			b.WriteString(`\u`)
			b.WriteString(hex(uint64(r), 4))
		}
		i += size
	}
	return b.String()
}

// invisible are letters and marks that show nothing: fillers, in which a name can
// hide, and the variation selectors, of which a chain can carry any hidden text.
func invisible(r rune) bool {
	switch {
	case r == 0x034f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xffa0, r == 0x2800:
		return true
	case 0xe0100 <= r && r <= 0xe01ef:
		return true
	}
	return false
}

func hex(v uint64, digits int) string {
	s := strconv.FormatUint(v, 16)
	return strings.Repeat("0", digits-len(s)) + s
}

// masked matches what the sanitizer leaves in the place of a value.
var masked = regexp.MustCompile(`\[masked:([^\[\]\s]{1,64})\]`)

func showMasks(s string) string {
	if !strings.Contains(s, "[masked:") {
		return s
	}
	return masked.ReplaceAllString(s, "⟨masked: $1⟩")
}
