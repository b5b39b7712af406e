package sanitize_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/sanitize"
)

// Text is UTF-8 without the control characters that no text has, wherever in it.
func TestReadable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	yes := 0
	for range 50_000 {
		var b []byte
		for range rng.IntN(12) {
			switch rng.IntN(16) {
			case 0:
				b = append(b, byte(rng.IntN(256)))
			case 1:
				b = append(b, byte(rng.IntN(0x20)))
			case 2:
				b = utf8.AppendRune(b, rng.Int32N(0x110000))
			default:
				b = append(b, [...]string{"words ", "\n", "가", "é", "\t", "x", "\x7f"}[rng.IntN(7)]...)
			}
		}
		want := utf8.Valid(b) && bytes.IndexFunc(b, func(c rune) bool { return c < 0x20 && (c < 7 || c > 13 && c != 0x1b && c != 0x1e) }) < 0
		if got := sanitize.Readable(b); got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
		if want {
			yes++
		}
	}
	if yes < 10_000 || yes > 45_000 {
		t.Errorf("%d of 50000 are text", yes)
	}
}
