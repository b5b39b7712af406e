package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// samples are what the rounds took.
type samples struct {
	dst    []byte
	runs   int // of a round, as many as fill its time
	cost   []time.Duration
	allocs []float64
}

// round runs each contestant, beginning with another one each time.
func (c *contest) round(n int, budget time.Duration) error {
	for i := range c.all {
		k := c.all[(i+n)%len(c.all)]
		if err := k.measure(c.bodies, budget); err != nil {
			return fmt.Errorf("%s: %s: %w", c.name, k.name, err)
		}
	}
	return nil
}

func (k *contestant) measure(bodies [][]byte, budget time.Duration) error {
	if k.runs == 0 { // and pools and caches warm up
		for k.runs = 1; ; k.runs *= 2 {
			took, _, err := k.time(bodies)
			if err != nil {
				return err
			}
			if took >= budget/2 {
				break
			}
		}
	}
	runtime.GC() // nobody pays for the one before
	took, allocs, err := k.time(bodies)
	if err != nil {
		return err
	}
	k.cost = append(k.cost, took/time.Duration(k.runs))
	k.allocs = append(k.allocs, allocs)
	return nil
}

func (k *contestant) time(bodies [][]byte) (took time.Duration, allocs float64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := processTime()
	if err != nil {
		return 0, 0, err
	}
	for i := range k.runs {
		if k.dst, err = k.mask(k.dst[:0], bodies[i%len(bodies)]); err != nil {
			return 0, 0, err
		}
	}
	end, err := processTime()
	if err != nil {
		return 0, 0, err
	}
	runtime.ReadMemStats(&after)
	return end - start, float64(after.Mallocs-before.Mallocs) / float64(k.runs), nil
}

func median[T int | float64 | time.Duration](list []T) T {
	s := slices.Sorted(slices.Values(list))
	return s[len(s)/2]
}
