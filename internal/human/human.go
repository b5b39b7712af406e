// Package human writes durations, counts, sizes and paths the way people read them.
// Figures are ASCII and the same in every language but for the unit of a
// second, so that columns of them stay aligned.
package human

import (
	"strconv"
	"time"
)

// Duration writes d in the largest fitting unit with at most three significant
// digits: "410 µs", "41 ms", "1.5 s", "1.84 s", "2 m 5 s", "3 h 10 m", "2 d 4 h".
func Duration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign = "-"
		d = -d
		if d < 0 { // the smallest Duration has no positive
			d = 1<<63 - 1
		}
	}
	return sign + positive(d)
}

func positive(d time.Duration) string {
	switch {
	case d == 0:
		return "0 ms"
	case d < time.Microsecond:
		return "<1 µs"
	case d < time.Millisecond:
		return strconv.FormatInt(int64(d/time.Microsecond), 10) + " µs"
	case d < 10*time.Millisecond:
		return trimmed(float64(d)/1e6, 1) + " ms"
	case d < 999500*time.Microsecond:
		return strconv.FormatInt(int64(d.Round(time.Millisecond)/time.Millisecond), 10) + " ms"
	case d < 9995*time.Millisecond:
		return trimmed(d.Seconds(), 2) + " s"
	case d < 59950*time.Millisecond:
		return trimmed(d.Seconds(), 1) + " s"
	case d < time.Hour-500*time.Millisecond:
		s := int64(d.Round(time.Second) / time.Second)
		return two(s/60, "m", s%60, "s")
	case d < 24*time.Hour-30*time.Second:
		m := int64(d.Round(time.Minute) / time.Minute)
		return two(m/60, "h", m%60, "m")
	}
	h := int64(d.Round(time.Hour) / time.Hour)
	return two(h/24, "d", h%24, "h")
}

func two(a int64, ua string, b int64, ub string) string {
	s := strconv.FormatInt(a, 10) + " " + ua
	if b > 0 {
		s += " " + strconv.FormatInt(b, 10) + " " + ub
	}
	return s
}

// trimmed writes v with at most digits after the point, without zeros at the end.
func trimmed(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// Axis writes d for a scale's label, where room is short: "0", "450ms", "0.9s", "2m".
func Axis(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return strconv.FormatInt(int64(d/time.Microsecond), 10) + "µs"
	case d < 10*time.Millisecond:
		return trimmed(float64(d)/1e6, 1) + "ms"
	case d < 950*time.Millisecond:
		return strconv.FormatInt(int64(d.Round(time.Millisecond)/time.Millisecond), 10) + "ms"
	case d < 100*time.Second:
		return trimmed(d.Seconds(), 1) + "s"
	case d < 100*time.Minute:
		return trimmed(d.Minutes(), 1) + "m"
	case d < 48*time.Hour:
		return trimmed(d.Hours(), 1) + "h"
	}
	return trimmed(d.Hours()/24, 1) + "d"
}

// Millis writes d as a whole number of milliseconds for a column.
func Millis(d time.Duration) string {
	return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10)
}

// Count writes n with thousands marked: "12,345".
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes writes a size in powers of 1024: "312 B", "64 KiB", "2.1 MiB".
func Bytes(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n)/1024, "KiB"
	for _, u := range [...]string{"MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	return trimmed(v, 1) + " " + unit
}
