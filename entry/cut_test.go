package entry_test

import (
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

func TestCut(t *testing.T) {
	long := strings.Repeat("가", 10)
	for _, tc := range []struct {
		s     string
		limit int
		want  string
	}{
		{"", 8, ""},
		{"short", 8, "short"},
		{"12345678", 8, "12345678"},
		{"123456789", 8, "…[cut]"},
		{"1234567890", 9, "1…[cut]"},
		{long, 30, long},
		{long, 29, strings.Repeat("가", 7) + "…[cut]"},
		{long, 28, strings.Repeat("가", 6) + "…[cut]"}, // not within a rune
	} {
		if got := entry.Cut(tc.s, tc.limit); got != tc.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tc.s, tc.limit, got, tc.want)
		}
	}
}
