// Command conformance runs the suite of middleware/conformance on txtrail and its
// peers and prints how many cases each passes:
//
//	go run ./conformance         # from the folder benchmarks
//	go run ./conformance -v      # and every case that failed, with what was seen
//
// "nothing" is net/http with nothing in between: the suite itself is right where that
// passes everything. The others are set up as in the tables of costs; "an
// afternoon's" reads the whole request, lets the handler answer into a buffer, and
// sends that.
//
// It exits with 1 where txtrail, or nothing, fails a case.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/txtrail/txtrail/middleware/conformance"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log.SetOutput(io.Discard) // httptest tells of servers that wait for what a peer left hanging
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

var errFailed = errors.New("txtrail fails cases; see -v")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	verbose := flags.Bool("v", false, "list the cases that failed")
	patience := flags.Duration("patience", 5*time.Second, "how long a case waits for what must come; longer on a busy machine")
	parallel := flags.Int("parallel", 16, "cases that run at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *patience <= 0 || *parallel < 1 || flags.NArg() > 0 {
		return errors.New("want positive -patience and -parallel and nothing else")
	}
	outcomes := shown()
	if err := examineAll(ctx, outcomes, &conformance.CheckOptions{Patience: *patience, Parallel: *parallel}, stderr); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%s %s/%s; cases passed, of those there are\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH); err != nil {
		return err
	}
	if err := table(stdout, outcomes); err != nil {
		return err
	}
	if *verbose {
		if err := failures(stdout, outcomes); err != nil {
			return err
		}
	}
	for _, o := range outcomes {
		if o.must && o.failed() > 0 {
			return errFailed
		}
	}
	return nil
}
