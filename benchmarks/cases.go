package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
	"github.com/txtrail/txtrail/benchmarks/internal/workload"
	"github.com/txtrail/txtrail/middleware"
)

// benchCase is one table.
type benchCase struct {
	slug string
	run  func(c *config, stdout, stderr io.Writer) (measured, error)
}

// measured is what came out for a case.
type measured struct {
	name string
	rows []row
}

// cases are those of the server side, and two calls.
func cases(dir string, size int) ([]benchCase, error) {
	served, err := workload.Servers(dir, size)
	if err != nil {
		return nil, err
	}
	var all []benchCase
	for _, k := range served {
		all = append(all, benchCase{k.Slug, func(c *config, stdout, stderr io.Writer) (measured, error) {
			start := func(h http.Handler) func() error { return newExchange(&k, h).serve }
			return compare(c, stdout, stderr, k.Name, load{k.Weight, captured(len(k.Body)) + captured(int(k.Size))}, contestant.Servers(), k.Handler, start)
		}})
	}
	body := workload.Payload(1024)
	for _, k := range []struct {
		slug, name, method string
		in                 []byte
	}{
		{"out-get", "outbound GET 1 KB", "GET", nil},
		{"out-post", "outbound POST 1 KB", "POST", body},
	} {
		all = append(all, benchCase{k.slug, func(c *config, stdout, stderr io.Writer) (measured, error) {
			base := newAnswerer(body)
			start := func(rt http.RoundTripper) func() error { return newCall(rt, k.method, k.in, len(body)).do }
			return compare(c, stdout, stderr, k.name, load{1, len(k.in) + len(body)}, contestant.Transports(), http.RoundTripper(base), start)
		}})
	}
	return all, nil
}

// load is how heavy a request is: how many times as much work as a small one, and
// how many bytes both bodies have.
type load struct{ weight, bytes int }

// captured is how much of a body is kept, at most.
func captured(size int) int { return min(size, middleware.DefaultMaxBody) }

// defaultWaiting is how many bytes may wait in a contestant's queue: about what comes in
// while the worker of ours lingers, 2 ms, when there is as much as it can mask. A loop
// without rests would fill any queue, and measure how cheap dropping is; much more than
// that measures how long memory takes that no cache holds any more.
const defaultWaiting = 1 << 20

// batch is how many requests run before the contestant may settle.
func (l load) batch(waiting int) int { return max(1, min(256, waiting/(4<<10+l.bytes))) }

// compare runs all contestants round by round and prints their table.
func compare[T any](c *config, stdout, stderr io.Writer, name string, l load, all []contestant.Contestant[T], inner T, start func(T) func() error) (m measured, err error) {
	if c.only != nil {
		all = slices.DeleteFunc(all, func(k contestant.Contestant[T]) bool { return !slices.Contains(c.only, k.Slug) })
		if len(all) == 0 {
			return m, fmt.Errorf("-only %q leaves no contestant", c.only)
		}
	}
	requests := max(1, c.requests/l.weight)
	results := make([][]sample, len(all))
	for round := range c.rounds {
		for k := range all {
			i := (k + round) % len(all)
			s, err := measure(all[i], inner, start, requests, l.batch(c.waiting))
			if err != nil {
				return m, fmt.Errorf("%s: %w", all[i].Name, err)
			}
			results[i] = append(results[i], s)
		}
		_, _ = fmt.Fprintf(stderr, "%s: round %d of %d\n", name, round+1, c.rounds)
	}
	rows := make([]row, len(all))
	for i, k := range all {
		rows[i] = row{k.Name, k.Note, results[i]}
	}
	return measured{name, rows}, table(stdout, fmt.Sprintf("%s, %d a round", name, requests), rows)
}
