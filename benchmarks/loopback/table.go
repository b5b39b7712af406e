package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// sample is what one round of a contestant came to.
type sample struct {
	cpu  time.Duration // of the server, per request
	p99  time.Duration // as the client saw it; 0 where nothing was answered
	rate float64       // requests served in a second
	lost string        // what the contestant failed to record, "" for nothing
}

// row is a contestant's line.
type row struct {
	name, note string
	samples    []sample
}

// ratios are a row's CPU times to those of base, round by round: what slows the
// machine for a while slows both.
func (r *row) ratios(base *row) []float64 {
	out := make([]float64, len(r.samples))
	for i, s := range r.samples {
		out[i] = float64(s.cpu) / float64(base.samples[i].cpu)
	}
	slices.Sort(out)
	return out
}

func median[T time.Duration | float64](ss []sample, of func(sample) T) T {
	vs := make([]T, len(ss))
	for i, s := range ss {
		vs[i] = of(s)
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

// table prints medians of the rounds; beside the ratio stand its least and its most.
func table(w io.Writer, title string, rows []row) error {
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.name))
	}
	_, err := fmt.Fprintf(w, "\n%s\n%-*s  %12s  %8s %-15s  %9s  %10s\n", title, width, "", "CPU µs/req", "× bare", "(least … most)", "p99 ms", "requests/s")
	if err != nil {
		return err
	}
	for _, r := range rows {
		ratios := r.ratios(&rows[0])
		p99 := "–"
		if d := median(r.samples, func(s sample) time.Duration { return s.p99 }); d > 0 {
			p99 = fmt.Sprintf("%.2f", float64(d)/1e6)
		}
		line := fmt.Sprintf("%s%*s  %12.2f  %8.2f %-15s  %9s  %10.0f  %s",
			r.name, width-utf8.RuneCountInString(r.name), "", float64(median(r.samples, func(s sample) time.Duration { return s.cpu }))/1e3,
			ratios[len(ratios)/2], fmt.Sprintf("(%.2f … %.2f)", ratios[0], ratios[len(ratios)-1]),
			p99, median(r.samples, func(s sample) float64 { return s.rate }), r.note)
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// measured is what came out for a case.
type measured struct {
	name string
	rows []row
}

// summary prints the ratios to the first contestant in Markdown.
func summary(w io.Writer, all []measured) error {
	names := make([]string, 0, len(all[0].rows)-1)
	for _, r := range all[0].rows[1:] {
		names = append(names, r.name)
	}
	_, err := fmt.Fprintf(w, "\n| CPU per request, × bare | bare, µs | %s |\n|---|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	if err != nil {
		return err
	}
	for _, m := range all {
		line := fmt.Sprintf("| %s | %.0f |", m.name, float64(median(m.rows[0].samples, func(s sample) time.Duration { return s.cpu }))/1e3)
		for _, r := range m.rows[1:] {
			ratios := r.ratios(&m.rows[0])
			line += fmt.Sprintf(" %.2f |", ratios[len(ratios)/2])
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
