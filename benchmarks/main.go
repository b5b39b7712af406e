// Command benchmarks measures what recording adds to a request: txtrail into a sink
// that discards and into the journal, beside a bare handler, otelhttp (which keeps
// no bodies), httplog v3 (which keeps them, and masks nothing), and what people write
// in an afternoon (which masks ten keys), in one run.
//
//	go run .                              # from this folder; Linux only: a POST with 1 KB in and out
//	go run . -case all                    # all cases, see -help
//	go run . -n 50000 -rounds 9           # longer
//	go run . -only bare,discard -cpuprofile cpu.out
//
// A request is handed to ServeHTTP, or to RoundTrip, without a network. Three figures
// per contestant:
//
//   - path: CPU time of the thread that runs ServeHTTP, which is what a client waits
//     for;
//   - process: CPU time of the whole process, with the worker that masks, encodes and
//     writes, the garbage collector, and the closing of the journal at the end;
//   - allocations per request in the whole process.
//
// Every round runs all contestants, each time in another order; the figures are the
// medians of the rounds. The bare one runs twice: the difference between the two is
// what the machine's noise is worth. A contestant that loses a request fails the run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// config is what the flags say.
type config struct {
	requests, rounds int
	waiting          int
	only             []string
}

func run(args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c config
	flags.IntVar(&c.requests, "n", 20_000, "small requests of each contestant in a round; of large ones fewer")
	flags.IntVar(&c.rounds, "rounds", 7, "rounds")
	flags.IntVar(&c.waiting, "waiting", defaultWaiting, "bytes that requests bring one right after the other, before the contestant may deal with them")
	size := flags.Int("size", 1024, "bytes of each body of the case post")
	which := flags.String("case", "post", "cases, with commas, or all: get-204 get post post-64k stream file panic out-get out-post")
	only := flags.String("only", "", "contestants, with commas: bare bare-again discard journal otelhttp httplog naive (default all; the first is what others are compared with)")
	profile := flags.String("cpuprofile", "", "write a CPU profile to this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.requests < 1 || c.rounds < 1 || c.waiting < 0 || *size < 200 || *size > 1<<20 || flags.NArg() > 0 {
		return errors.New("want -n and -rounds of at least 1, -waiting of at least 0, -size of 200 to 1048576 and nothing else")
	}
	if *only != "" {
		c.only = strings.Split(*only, ",")
	}
	dir, err := os.MkdirTemp("", "txtrail-benchmarks-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	all, err := cases(dir, *size)
	if err != nil {
		return err
	}
	chosen, err := choose(all, *which)
	if err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.OpenFile(*profile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	_, err = fmt.Fprintf(stdout, "%s %s/%s, %d CPUs; medians of %d rounds\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), c.rounds)
	if err != nil {
		return err
	}
	var done []measured
	for _, k := range chosen {
		m, err := k.run(&c, stdout, stderr)
		if err != nil {
			return fmt.Errorf("%s: %w", k.slug, err)
		}
		done = append(done, m)
	}
	if len(done) == 1 {
		return nil
	}
	return summary(stdout, done)
}

// choose returns the cases that a comma-separated list names.
func choose(all []benchCase, list string) ([]benchCase, error) {
	if list == "all" {
		return all, nil
	}
	var chosen []benchCase
	for slug := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(k benchCase) bool { return k.slug == slug })
		if i < 0 {
			return nil, fmt.Errorf("-case: there is no %q", slug)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
