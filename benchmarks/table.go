package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// table prints the medians, and what each contestant adds to the first one. Beside
// the added time on the path stand the least and the most of the rounds.
func table(w io.Writer, all []contestant, results [][]sample) error {
	width := 0
	for _, c := range all {
		width = max(width, utf8.RuneCountInString(c.name))
	}
	if _, err := fmt.Fprintf(w, "%-*s  %8s %8s %-15s  %8s %8s  %7s %7s\n", width, "", "path µs", "added", "(least … most)", "process", "added", "allocs", "added"); err != nil {
		return err
	}
	base := middle(results[0])
	for i, c := range all {
		m := middle(results[i])
		low, high := spread(results[i])
		line := fmt.Sprintf("%s%*s  %8.2f %+8.2f %-15s  %8.2f %+8.2f  %7.1f %+7.1f  %s",
			c.name, width-utf8.RuneCountInString(c.name), "", micros(m.path), micros(m.path-base.path),
			fmt.Sprintf("(%.2f … %.2f)", micros(low-base.path), micros(high-base.path)),
			micros(m.process), micros(m.process-base.process), m.allocs, m.allocs-base.allocs, c.note)
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

func middle(ss []sample) sample {
	return sample{
		path:    median(ss, func(s sample) time.Duration { return s.path }),
		process: median(ss, func(s sample) time.Duration { return s.process }),
		allocs:  median(ss, func(s sample) float64 { return s.allocs }),
	}
}

func median[T time.Duration | float64](ss []sample, of func(sample) T) T {
	vs := make([]T, len(ss))
	for i, s := range ss {
		vs[i] = of(s)
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

func spread(ss []sample) (low, high time.Duration) {
	low, high = ss[0].path, ss[0].path
	for _, s := range ss {
		low, high = min(low, s.path), max(high, s.path)
	}
	return low, high
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
