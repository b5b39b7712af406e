// Command loopback measures what recording adds to a request over a real connection:
// each contestant is a process of its own, driven by wrk, and its CPU time per request
// is compared with that of a bare server in the same round.
//
//	go run ./loopback                        # from the folder benchmarks; Linux only: a POST with 1 KB in and out
//	go run ./loopback -case all -time 1s -rounds 3
//	go run ./loopback -case file -rounds 20 -only bare,bare-again,discard,journal
//	go run ./loopback -sendfile              # system calls by which a file of 10 MB leaves; needs strace
//
// wrk and strace are Debian packages of these names. Where there is no wrk, -driver own
// is a plain client in Go.
//
// A server's time is all that its process used from a mark after some warming up until
// it has shut down and its journal is closed, divided by the requests that it served in
// between. The bare one runs twice in each round: their ratio is the noise. A contestant
// that loses a request is named below the tables, and the run fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "loopback:", err)
		os.Exit(1)
	}
}

func start() error {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		return serve(os.Args[2:], os.Stdin, os.Stdout)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// config is what the flags say.
type config struct {
	rounds   int
	duration time.Duration
	conns    int
	buffer   int // bytes that a connection takes before its client reads, 0: the system's
	drive    driver
	servers  []contestant.Contestant[http.Handler]
	dir      string // of the file that is served
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("loopback", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c config
	flags.IntVar(&c.rounds, "rounds", 5, "rounds")
	flags.DurationVar(&c.duration, "time", 2*time.Second, "how long each contestant is driven in a round; wrk takes whole seconds")
	flags.IntVar(&c.conns, "conns", 8, "connections")
	which := flags.String("case", "post", "cases, with commas, or all: get-204 get post post-64k stream file panic")
	only := flags.String("only", "", "contestants, with commas: bare bare-again discard journal otelhttp httplog naive (default all); the first is what others are compared with")
	pause := flags.Duration("pause", -1, "how long a connection rests between two requests, in whole milliseconds; negative: 8ms for post-64k, of which one core can not mask more, and none for others")
	client := flags.String("driver", "wrk", "what sends the requests: wrk or own")
	flags.IntVar(&c.buffer, "buffer", 0, "bytes that a connection takes before its client reads, so that the client's speed does not show in the server's calls; 0 leaves it to the system, more takes the privilege to set it")
	files := flags.Bool("sendfile", false, "count system calls instead")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.rounds < 1 || c.duration <= 0 || c.conns < 1 || c.buffer < 0 || *pause > 0 && *pause%time.Millisecond != 0 || flags.NArg() > 0 {
		return errors.New("want positive -rounds, -time and -conns, a -buffer of at least 0, -pause in whole milliseconds and nothing else")
	}
	if c.drive, err = driverNamed(*client, c.duration); err != nil {
		return err
	}
	if c.servers, err = choose(*only); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "txtrail-loopback-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	cases, err := chooseCases(c.dir, *which)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s %s/%s, %d CPUs\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if err != nil {
		return err
	}
	if *files {
		return sendfiles(ctx, &c, stdout)
	}
	var lost []error
	var all []measured
	for _, k := range cases {
		if *pause >= 0 {
			k.Pause = *pause
		}
		rows, err := compare(ctx, &c, &k, stderr)
		if err != nil {
			return fmt.Errorf("%s: %w", k.Slug, err)
		}
		title := fmt.Sprintf("%s, %d rounds of %v over %d connections, by %s", k.Name, c.rounds, c.duration, c.conns, *client)
		if k.Pause > 0 {
			title += fmt.Sprintf(", each resting %v after an answer", k.Pause)
		}
		if err := table(stdout, title, rows); err != nil {
			return err
		}
		lost = append(lost, losses(&k, rows)...)
		all = append(all, measured{k.Name, rows})
	}
	return errors.Join(append(lost, summary(stdout, all))...)
}

// losses are what contestants failed to record, which makes their figures worthless.
func losses(k *workload.Case, rows []row) (errs []error) {
	for _, r := range rows {
		for _, s := range r.samples {
			if s.lost != "" {
				errs = append(errs, fmt.Errorf("%s: %s: %s", k.Slug, r.name, s.lost))
			}
		}
	}
	return errs
}

// choose returns the contestants that a comma-separated list names.
func choose(list string) ([]contestant.Contestant[http.Handler], error) {
	all := contestant.Servers()
	if list == "" {
		return all, nil
	}
	var chosen []contestant.Contestant[http.Handler]
	for slug := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(c contestant.Contestant[http.Handler]) bool { return c.Slug == slug })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no contestant %q", slug)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func chooseCases(dir, list string) ([]workload.Case, error) {
	all, err := workload.Servers(dir, payload)
	if err != nil || list == "all" {
		return all, err
	}
	var chosen []workload.Case
	for slug := range strings.SplitSeq(list, ",") {
		k, err := workload.Find(all, slug)
		if err != nil {
			return nil, fmt.Errorf("-case: %w", err)
		}
		chosen = append(chosen, k)
	}
	return chosen, nil
}

// payload is the size of the bodies of the case post.
const payload = 1024

// compare drives all contestants round by round, each time in another order.
func compare(ctx context.Context, c *config, k *workload.Case, stderr io.Writer) ([]row, error) {
	rows := make([]row, len(c.servers))
	for i, s := range c.servers {
		rows[i].name, rows[i].note = s.Name, s.Note
	}
	for round := range c.rounds {
		for n := range c.servers {
			i := (n + round) % len(c.servers)
			s, err := measure(ctx, c, c.servers[i].Slug, k)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.servers[i].Name, err)
			}
			rows[i].samples = append(rows[i].samples, s)
		}
		_, _ = fmt.Fprintf(stderr, "%s: round %d of %d\n", k.Name, round+1, c.rounds)
	}
	return rows, nil
}

// warming is how long a server is driven before it is measured.
const warming = 200 * time.Millisecond

// measure starts a contestant, drives it and ends it.
func measure(ctx context.Context, c *config, slug string, k *workload.Case) (s sample, err error) {
	p, err := spawn(ctx, nil, slug, k.Slug, c.dir, "-buffer", strconv.Itoa(c.buffer))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if _, err := own(ctx, p.url, k, c.conns, warming); err != nil {
		return s, fmt.Errorf("warming up: %w", err)
	}
	before, err := p.ask("mark")
	if err != nil {
		return s, err
	}
	d, err := c.drive(ctx, p.url, k, c.conns, c.duration)
	if err != nil {
		return s, err
	}
	after, err := p.ask("end")
	if err != nil {
		return s, err
	}
	served := after.served - before.served
	if served == 0 {
		return s, errors.New("not a request was served")
	}
	return sample{cpu: (after.cpu - before.cpu) / time.Duration(served), p99: d.p99, rate: float64(served) / c.duration.Seconds(), lost: after.lost}, nil
}
