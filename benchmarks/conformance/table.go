package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/txtrail/txtrail/middleware/conformance"
)

// line of the table: cases that are counted together.
type line struct {
	title string
	in    func(conformance.Result) bool
}

// lines are the groups of both sides, each protocol, and all.
func lines(results []conformance.Result) []line {
	var all []line
	add := func(title string, in func(conformance.Result) bool) {
		if !slices.ContainsFunc(all, func(l line) bool { return l.title == title }) {
			all = append(all, line{title, in})
		}
	}
	side := func(r conformance.Result) string {
		if r.Protocol == "" {
			return "client: "
		}
		return "server: "
	}
	for _, r := range results {
		add(side(r)+r.Group, func(o conformance.Result) bool { return side(o) == side(r) && o.Group == r.Group })
	}
	for _, r := range results {
		name := "server over " + r.Protocol
		if r.Protocol == "" {
			name = "client"
		}
		add(name, func(o conformance.Result) bool { return o.Protocol == r.Protocol })
	}
	return all
}

// table prints how many cases of each line a contestant passes.
func table(w io.Writer, outcomes []outcome) error {
	var head strings.Builder
	fmt.Fprintf(&head, "%-24s", "")
	for _, o := range outcomes {
		head.WriteString("  " + pad(o.name))
	}
	if _, err := fmt.Fprintln(w, strings.TrimRight(head.String(), " ")); err != nil {
		return err
	}
	for _, l := range lines(outcomes[0].results) {
		var b strings.Builder
		if l.title == "server over HTTP1" {
			b.WriteByte('\n') // the groups are over
		}
		fmt.Fprintf(&b, "%-24s", l.title)
		for _, o := range outcomes {
			b.WriteString("  " + pad(o.passed(l)))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

const columnWidth = 14

func pad(s string) string {
	return strings.Repeat(" ", max(0, columnWidth-utf8.RuneCountInString(s))) + s
}

// passed is "11 of 12", or a dash where the contestant has no such side.
func (o *outcome) passed(l line) string {
	all, passed := 0, 0
	for _, r := range o.results {
		if l.in(r) {
			all++
			if r.Passed() {
				passed++
			}
		}
	}
	if all == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d", passed, all)
}

// failures lists what failed, case by case: the protocols, the rule and what was seen.
func failures(w io.Writer, outcomes []outcome) error {
	for _, o := range outcomes {
		if o.failed() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s fails\n", o.name); err != nil {
			return err
		}
		told := map[string]bool{}
		for _, r := range o.results {
			if r.Passed() || told[r.Name] {
				continue
			}
			told[r.Name] = true
			var over []string
			for _, other := range o.results {
				if other.Name == r.Name && other.Protocol != "" && !other.Passed() {
					over = append(over, other.Protocol)
				}
			}
			where := "client"
			if len(over) > 0 {
				where = strings.Join(over, " ")
			}
			seen, _, _ := strings.Cut(r.Failures[0], "\n")
			if _, err := fmt.Fprintf(w, "  %s (%s)\n    %s\n    seen: %s\n", r.Name, where, r.Reason, seen); err != nil {
				return err
			}
		}
	}
	return nil
}
