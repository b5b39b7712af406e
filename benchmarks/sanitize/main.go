// Command sanitize measures the sanitizer beside what a service would write itself
// to mask the same keys: encoding/json decode, walk and encode, and a splice over
// the tokens of encoding/json/jsontext. All in one run; Linux only.
//
//	GOEXPERIMENT=jsonv2 go run ./sanitize          # from the folder benchmarks
//	GOEXPERIMENT=jsonv2 go run ./sanitize -rounds 21
//	go run ./sanitize                              # encoding/json as it is by default; without jsontext
//
// With GOEXPERIMENT=jsonv2 encoding/json itself is built on jsontext, without it
// jsontext does not exist. The head of the table says which one it was.
//
// The bodies are pages of orders as an API returns them, with Korean text: clean
// ones, in which there is nothing to hide, and dense ones with a few credentials and
// personal data in each item, again and again; and orders of which no value comes
// again. Every contestant masks the values of the same keys;
// a test compares what comes out. The two rows of ours differ in what else they do:
// "keys only" judges keys by the whole default policy, "all rules" also inspects
// every string value.
//
// Figures are CPU time of the whole process, so that the garbage collector counts
// and other programs on the machine do not; medians of the rounds. Each round runs
// all contestants, every time in another order.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "sanitize:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("sanitize", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 9, "rounds")
	budget := flags.Duration("time", 20*time.Millisecond, "CPU time of each contestant in a round, about")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 || *budget < time.Microsecond || flags.NArg() > 0 {
		return fmt.Errorf("want -rounds of at least 1, -time of at least 1µs and nothing else")
	}
	all, err := contests()
	if err != nil {
		return err
	}
	for round := range *rounds {
		for i := range all {
			if err := all[i].round(round, *budget); err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintf(stderr, "round %d of %d\n", round+1, *rounds)
	}
	_, err = fmt.Fprintf(stdout, "%s %s/%s, %d CPUs; %s; medians of %d rounds of %v CPU time\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), flavour, *rounds, *budget)
	if err != nil {
		return err
	}
	return table(stdout, all)
}
