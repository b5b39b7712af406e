package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// table prints what was measured, a line as soon as it is known.
type table struct{ out io.Writer }

func (t *table) line(what, format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, "%-46s %s\n", what, fmt.Sprintf(format, args...))
}

func (t *table) head(what string) { _, _ = fmt.Fprintf(t.out, "\n%s\n", what) }

// timings are the durations of the same thing done several times.
type timings []time.Duration

func (ts timings) String() string {
	if len(ts) == 0 {
		return "not measured"
	}
	s := slices.Sorted(slices.Values(ts))
	at := func(p float64) time.Duration { return round(s[min(len(s)-1, int(p*float64(len(s))))]) }
	return fmt.Sprintf("p50 %v  p99 %v  (n=%d)", at(0.5), at(0.99), len(s))
}

func round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// each times n runs of do.
func each(n int, do func(i int) error) (timings, error) {
	var ts timings
	for i := range n {
		start := time.Now()
		if err := do(i); err != nil {
			return ts, err
		}
		ts = append(ts, time.Since(start))
	}
	return ts, nil
}

func bytesOf(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d B", n)
}
