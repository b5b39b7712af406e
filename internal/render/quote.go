package render

import (
	"strings"
	"time"
)

// gapBefore is how long before a story the proposed search for its user begins.
const gapBefore = 10 * time.Minute

// Quote returns s as one word of a POSIX shell's command line, safe to be shown
// and to be copied: what can not be shown is written as $'…' escapes, which bash,
// zsh and ksh read.
func Quote(s string) string {
	if s == "" {
		return "''"
	}
	safe := true
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-./:=,@%+", c) >= 0) {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	if shown := escape(s, false); shown == s {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= 0x20 && c < 0x7f:
			b.WriteByte(c)
		default:
			b.WriteString(`\x`)
			b.WriteString(hex(uint64(c), 2))
		}
	}
	b.WriteByte('\'')
	return b.String()
}
