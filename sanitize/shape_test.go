package sanitize_test

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// Shapes are recognised as expressions that say the same recognise them.
func TestShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for name, s := range map[string]struct {
		is      func([]byte) bool
		want    *regexp.Regexp
		samples []string
	}{
		"UUID": {
			sanitize.UUID, regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`),
			[]string{"0192f3c4-7b1a-7c3d-9e5f-0123456789ab", "ABCDEF00-0000-ffff-FFFF-999999999999"},
		},
		"timestamp": {
			sanitize.Timestamp, regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$`),
			[]string{"2026-11-20T01:02:03", "2026-11-20 01:02:03.123456789+09:00", "0000-99-99T99:99:99Z", "2026-11-20T01:02:03.1-00:00", "2026-11-20T01:02:03.1234567890Z"},
		},
	} {
		for _, sample := range s.samples {
			for range 20_000 {
				b := []byte(sample)
				for range rng.IntN(3) {
					b[rng.IntN(len(b))] = "0189afgAFG-: T.Z+\x00\x10\x1f\x7f\x80\xb0\xff/;@`"[rng.IntN(28)]
				}
				if got, want := s.is(b), s.want.Match(b); got != want {
					t.Fatalf("%s %q: %v, want %v", name, b, got, want)
				}
			}
		}
	}
}
