package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// table prints each contest: what a body costs, how fast that is, what it
// allocates, and how many times as long it takes as ours with keys only.
func table(w io.Writer, all []contest) error {
	for i := range all {
		c := &all[i]
		if _, err := fmt.Fprintf(w, "%-48s %12s %10s %9s %8s\n", c.name, "time", "GB/s", "allocs", "times"); err != nil {
			return err
		}
		first := median(c.all[0].cost)
		for _, k := range c.all {
			m := median(k.cost)
			_, err := fmt.Fprintf(w, "  %-46s %12v %10.3f %9.1f %8.1f   %v to %v\n", k.name, m, float64(c.size())/float64(m.Nanoseconds()),
				median(k.allocs), float64(m)/float64(first), slices.Min(k.cost), slices.Max(k.cost))
			if err != nil {
				return err
			}
		}
		if k := c.all[len(c.all)-1]; k.name == tokens {
			// Rounds are paired: what disturbed the one disturbed the other.
			var each []time.Duration
			for r := range k.cost {
				each = append(each, (k.cost[r]-c.all[0].cost[r])/addresses)
			}
			if _, err := fmt.Fprintf(w, "  %-46s %12v\n", "a token, beyond a mask", median(each)); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return nil
}
