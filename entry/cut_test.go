package entry_test

import (
	"math"
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
		// Where the mark has no room the beginning stands alone.
		{"0123456789", 7, "0123456"},
		{"0123456789", 5, "01234"},
		{"0123456789", 1, "0"},
		{"0123456789", 0, ""},
		{"0123456789", -1, ""},
		{"0123456789", math.MinInt, ""},
		{"", -1, ""},
		{"abc", 3, "abc"},
		{long, 7, "가가"},
		{long, 2, ""},
	} {
		if got := entry.Cut(tc.s, tc.limit); got != tc.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tc.s, tc.limit, got, tc.want)
		}
	}
}
