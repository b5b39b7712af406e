// Command benchmarks measures what recording adds to a request: txtrail into a sink
// that discards and into the journal, beside a bare handler, otelhttp (which keeps
// no bodies) and httplog v3 (which keeps them, and masks nothing), in one run.
//
//	go run .                          # from this folder; Linux only
//	go run . -n 50000 -rounds 9       # longer
//
// A request is a POST with about 1 KB of JSON in and as much out, handed to ServeHTTP
// without a network. Three figures per contestant:
//
//   - path: CPU time of the thread that runs ServeHTTP, which is what a client waits
//     for;
//   - process: CPU time of the whole process, with the worker that masks, encodes and
//     writes, the garbage collector, and the closing of the journal at the end;
//   - allocations per request in the whole process.
//
// Every round runs all contestants, each time in another order; the figures are the
// medians of the rounds. The bare handler runs twice: the difference between the two
// is what the machine's noise is worth.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	requests := flags.Int("n", 20_000, "requests of each contestant in a round")
	rounds := flags.Int("rounds", 7, "rounds")
	size := flags.Int("size", 1024, "bytes of each body, about")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *requests < batch || *rounds < 1 || *size < 200 || flags.NArg() > 0 {
		return fmt.Errorf("want -n of at least %d, -rounds of at least 1, -size of at least 200 and nothing else", batch)
	}
	body := payload(*size)
	all := contestants()
	results := make([][]sample, len(all))
	for round := range *rounds {
		for k := range all {
			i := (k + round) % len(all)
			s, err := measure(all[i], body, *requests)
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].name, err)
			}
			results[i] = append(results[i], s)
		}
		_, _ = fmt.Fprintf(stderr, "round %d of %d\n", round+1, *rounds)
	}
	_, err := fmt.Fprintf(stdout, "%s %s/%s, %d CPUs; POST %d B in and out; %d requests a round, medians of %d rounds\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), len(body), *requests, *rounds)
	if err != nil {
		return err
	}
	return table(stdout, all, results)
}
