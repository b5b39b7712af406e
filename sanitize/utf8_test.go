package sanitize_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/sanitize"
)

func sameUTF8(t *testing.T, b []byte) {
	if got, want := sanitize.ValidUTF8(b), utf8.Valid(b); got != want {
		t.Fatalf("%x: %v, want %v", b, got, want)
	}
	want := utf8.Valid(b) && bytes.IndexFunc(b, func(c rune) bool { return c < 0x20 && (c < 7 || c > 13 && c != 0x1b && c != 0x1e) }) < 0
	if got := sanitize.Readable(b); got != want {
		t.Fatalf("%x: readable %v, want %v", b, got, want)
	}
}

// Every lead with every byte behind it, at every place, and mixtures of all lengths.
func TestValidUTF8(t *testing.T) {
	for lead := range 256 {
		for second := range 256 {
			for _, rest := range []string{"", "\x80", "\x80\x80", "\xbf\xbfab", "abcdefgh", "\x80\x80abcdefgh", "\x80abcdefgh", "\x7f", "\xc0abcdefg"} {
				b := append([]byte{byte(lead), byte(second)}, rest...)
				sameUTF8(t, b)
				sameUTF8(t, append([]byte("가a"), b...))
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		var b []byte
		for range rng.IntN(12) {
			switch rng.IntN(8) {
			case 0:
				b = append(b, byte(rng.IntN(256)))
			case 1:
				b = utf8.AppendRune(b, rng.Int32N(0x110000))
			case 2:
				b = append(b, "words "...)
			default:
				b = utf8.AppendRune(b, [...]rune{'가', '힣', '\u0800', '\uffff', 'é', '\U0001f600', '\ud7ff', '\ue000'}[rng.IntN(8)])
			}
		}
		sameUTF8(t, b)
	}
}
