package render

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestBar(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		off, d, total time.Duration
		n             int
		failed        bool
		want          string
	}{
		{0, s, s, 8, false, "████████"},
		{0, s / 2, s, 8, false, "████"},
		{s / 2, s / 2, s, 8, false, "    ████"},
		{s / 2, s / 4, s, 8, true, "    ▒▒"},
		{0, 0, s, 8, false, "▏"},
		{s, 0, s, 8, false, "       ▏"},     // at the very end there is still a cell
		{-s, s / 2, s, 8, false, "████"},    // before the beginning
		{0, 5 * s, s, 8, false, "████████"}, // beyond the end
		{s / 16, s / 16, s, 8, false, "▌"},
		{0, s, 0, 8, false, "████████"},
		{math.MinInt64, math.MaxInt64, math.MaxInt64, 8, false, "████████"},
		{0, s, s, 0, false, ""},
	} {
		if got := bar(c.off, c.d, c.total, c.n, c.failed); got != c.want {
			t.Errorf("bar(%v, %v of %v, %d) = %q, want %q", c.off, c.d, c.total, c.n, got, c.want)
		}
	}
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		total time.Duration
		n     int
		want  string
	}{
		{1840 * time.Millisecond, 20, "0       920ms   1.8s"},
		{1840 * time.Millisecond, 12, "0       1.8s"},
		{1840 * time.Millisecond, 5, ""},
		{0, 20, ""},
	} {
		if got := axis(c.total, c.n); got != c.want {
			t.Errorf("axis(%v, %d) = %q, want %q", c.total, c.n, got, c.want)
		}
	}
	for n := range 80 {
		for _, d := range []time.Duration{1, time.Microsecond, 999 * time.Millisecond, time.Hour, math.MaxInt64} {
			if got := axis(d, n); len(got) != 0 && (len(got) != n || strings.Contains(got, "µ")) {
				t.Errorf("axis(%v, %d) = %q", d, n, got)
			}
		}
	}
}
