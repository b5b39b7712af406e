package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// row is a contestant's line.
type row struct {
	name, note string
	samples    []sample
}

// table prints the medians, and what each contestant adds to the first one. Beside
// the added time on the path stand the least and the most of the rounds.
func table(w io.Writer, title string, rows []row) error {
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.name))
	}
	_, err := fmt.Fprintf(w, "\n%s\n%-*s  %9s %9s %-19s  %9s %9s  %8s %8s\n", title, width, "",
		"path µs", "added", "(least … most)", "process", "added", "allocs", "added")
	if err != nil {
		return err
	}
	base := middle(rows[0].samples)
	for _, r := range rows {
		m := middle(r.samples)
		low, high := spread(r.samples)
		line := fmt.Sprintf("%s%*s  %9.2f %+9.2f %-19s  %9.2f %+9.2f  %8.1f %+8.1f  %s",
			r.name, width-utf8.RuneCountInString(r.name), "", micros(m.path), micros(m.path-base.path),
			fmt.Sprintf("(%.2f … %.2f)", micros(low-base.path), micros(high-base.path)),
			micros(m.process), micros(m.process-base.process), m.allocs, m.allocs-base.allocs, r.note)
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// summary prints in Markdown what each contestant adds to the first one, in µs on the
// path and in the whole process.
func summary(w io.Writer, all []measured) error {
	var names []string
	for _, m := range all {
		for _, r := range m.rows[1:] {
			if !slices.Contains(names, r.name) {
				names = append(names, r.name)
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n| added, µs: path / process | %s |\n|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	if err != nil {
		return err
	}
	for _, m := range all {
		cells := make([]string, len(names))
		base := middle(m.rows[0].samples)
		for i, name := range names {
			cells[i] = "–"
			if at := slices.IndexFunc(m.rows, func(r row) bool { return r.name == name }); at > 0 {
				s := middle(m.rows[at].samples)
				cells[i] = figure(micros(s.path-base.path)) + " / " + figure(micros(s.process-base.process))
			}
		}
		if _, err := fmt.Fprintf(w, "| %s | %s |\n", m.name, strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}

// figure prints as many digits as mean something.
func figure(v float64) string {
	if math.Abs(v) < 9.95 {
		return fmt.Sprintf("%.1f", v)
	}
	s := fmt.Sprintf("%.0f", v)
	if len(s) > 3 && v > 0 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
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
