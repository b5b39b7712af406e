package render

import (
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/human"
)

// Bars of a waterfall. A failed one is hatched, so that it is told apart without
// colour.
const (
	fullCell   = "█"
	failedCell = "▒"
	pointCell  = "·"
)

// eighths are the parts of a cell, filled from the left.
var eighths = [...]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// bar draws what lasted from off to off+d on a scale of total in n cells.
func bar(off, d, total time.Duration, n int, failed bool) string {
	if n <= 0 {
		return ""
	}
	if total <= 0 {
		total = 1
	}
	at := min(max(int(float64(off)/float64(total)*float64(n)), 0), n-1)
	parts := int(float64(d) / float64(total) * float64(n) * 8)
	parts = min(max(parts, 1), (n-at)*8)
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", at))
	if failed {
		b.WriteString(strings.Repeat(failedCell, (parts+7)/8))
	} else {
		b.WriteString(strings.Repeat(fullCell, parts/8))
		b.WriteString(eighths[parts%8])
	}
	return b.String()
}

// point marks a moment on the scale.
func point(off, total time.Duration, n int, mark string) string {
	if n <= 0 {
		return ""
	}
	if total <= 0 {
		total = 1
	}
	at := min(max(int(float64(off)/float64(total)*float64(n)), 0), n-1)
	return strings.Repeat(" ", at) + mark
}

// axis labels a scale of n cells: its beginning, its middle and its end.
func axis(total time.Duration, n int) string {
	end := human.Axis(total)
	if n < len(end)+2 || total <= 0 {
		return ""
	}
	line := []byte(strings.Repeat(" ", n))
	end = strings.ReplaceAll(end, "µ", "u") // one byte a cell
	copy(line, "0")
	copy(line[n-len(end):], end)
	mid := strings.ReplaceAll(human.Axis(total/2), "µ", "u")
	if at := n/2 - len(mid)/2; at > 2 && at+len(mid)+1 < n-len(end) {
		copy(line[at:], mid)
	}
	return string(line)
}
