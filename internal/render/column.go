package render

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// width is how many cells of a terminal s takes. A Hangul syllable takes two.
func width(s string) int { return ansi.StringWidth(s) }

// padRight fills s with spaces up to n cells.
func padRight(s string, n int) string {
	if w := width(s); w < n {
		return s + strings.Repeat(" ", n-w)
	}
	return s
}

// padLeft puts spaces before s up to n cells.
func padLeft(s string, n int) string {
	if w := width(s); w < n {
		return strings.Repeat(" ", n-w) + s
	}
	return s
}

// cut shortens s to n cells, with a … in the middle: of a path both ends tell most.
func cut(s string, n int) string {
	w := width(s)
	if w <= n {
		return s
	}
	if n < 8 {
		return ansi.Truncate(s, n, "…")
	}
	head := (n - 1) / 2
	tail := n - 1 - head
	left := ansi.Truncate(s, head, "")
	right := ""
	for from := w - tail; from <= w; from++ { // a wide letter may stand across the cut
		if right = ansi.TruncateLeft(s, from, ""); width(right) <= tail {
			break
		}
	}
	return left + "…" + right
}

// cutEnd shortens s to n cells with a … at the end: what sentences need.
func cutEnd(s string, n int) string { return ansi.Truncate(s, n, "…") }

// wrap breaks a sentence into lines of at most n cells, between words where it can.
func wrap(s string, n int) []string {
	lines := strings.Split(ansi.Wrap(s, max(n, 1), ""), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

// join puts parts on lines of at most n cells, separated by sep, never breaking a
// part; further lines begin with indent.
func join(parts []string, sep string, n int, indent string) string {
	var b strings.Builder
	at := 0
	for i, p := range parts {
		w := width(p)
		switch {
		case i == 0:
		case at+width(sep)+w <= n:
			b.WriteString(sep)
			at += width(sep)
		default:
			b.WriteString("\n" + indent)
			at = width(indent)
		}
		b.WriteString(p)
		at += w
	}
	return b.String()
}
