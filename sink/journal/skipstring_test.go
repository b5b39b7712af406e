package journalsink

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// The end of a string is where the first quotation mark is that no backslash escapes,
// wherever in eight bytes it stands.
func TestSkipString(t *testing.T) {
	simple := func(s string, i int) int {
		for ; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i
			}
		}
		return -1
	}
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	pieces := []string{`\"`, `\\`, `\`, `"`, `\n`, "a", "plain text", "가", "\xff", "\x00", "!", "#", "]", "["}
	for range 20_000 {
		var b strings.Builder
		b.WriteByte('"')
		for range rnd.IntN(24) {
			b.WriteString(pieces[min(rnd.IntN(len(pieces)+8), len(pieces)-1)])
			if rnd.IntN(2) == 0 {
				b.WriteString(pieces[rnd.IntN(len(pieces))])
			}
		}
		s := b.String()
		if got, want := skipString([]byte(s), 1), simple(s, 1); got != want {
			t.Fatalf("%q: %d, want %d", s, got, want)
		}
	}
}

func BenchmarkSkipString(b *testing.B) {
	s := []byte(`"` + strings.Repeat(`{\"id\":17,\"name\":\"아이템 of the shop\",\"price\":1200},`, 16) + `"`)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		if skipString(s, 1) != len(s)-1 {
			b.Fatal("not found")
		}
	}
}
