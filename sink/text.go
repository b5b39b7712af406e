package sink

import "unicode/utf8"

// cutText returns the first at most n bytes of b, cut at a rune's edge.
func cutText(b []byte, n int) []byte {
	if n >= len(b) {
		return b
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}
