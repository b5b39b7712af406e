package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // requests may come compressed

	"github.com/txtrail/txtrail/benchmarks/internal/cputime"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("cloudlogging", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 5, "rounds of each contestant")
	entries := flags.Int("entries", 20_000, "entries of one round")
	serve := flags.Bool("serve", false, "be the server (used by the command itself)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *serve {
		if err := server(stdout); err != nil {
			_, _ = fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	}
	err := compare(stdout, *rounds, *entries)
	if err == nil {
		err = sizes(stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// discard is a service that takes everything.
type discard struct {
	loggingpb.UnimplementedLoggingServiceV2Server
}

// WriteLogEntries implements the service.
func (discard) WriteLogEntries(context.Context, *loggingpb.WriteLogEntriesRequest) (*loggingpb.WriteLogEntriesResponse, error) {
	return &loggingpb.WriteLogEntriesResponse{}, nil
}

// server serves until its standard input ends.
func server(stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20))
	loggingpb.RegisterLoggingServiceV2Server(s, discard{})
	if _, err := fmt.Fprintln(stdout, l.Addr()); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Stop()
	}()
	return s.Serve(l)
}

// start runs this program again as the server.
func start() (addr string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-serve")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return strings.TrimSpace(line), stop, nil
}

// compare runs the contestants in turn and prints their medians.
func compare(stdout io.Writer, rounds, entries int) (err error) {
	addr, stop, err := start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	load := newWorkload(512)
	took := make([][]time.Duration, len(contestants))
	for round := range rounds + 1 {
		for i, c := range contestants {
			d, err := measure(c, addr, load, entries)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first warms up
				took[i] = append(took[i], d)
			}
		}
	}
	_, _ = fmt.Fprintf(stdout, "CPU per entry of %d bytes, process, medians of %d rounds of %d entries, %s\n", load.size, rounds, entries, runtime.Version())
	var official time.Duration
	for i := range contestants {
		slices.Sort(took[i])
	}
	official = took[0][rounds/2]
	for i, c := range contestants {
		m := took[i][rounds/2]
		_, _ = fmt.Fprintf(stdout, "%-44s %8.2f µs   1/%.1f\n", c.name, float64(m)/1e3, float64(official)/float64(m))
	}
	return nil
}

func measure(c contestant, addr string, load *workload, entries int) (time.Duration, error) {
	r, err := c.start(addr)
	if err != nil {
		return 0, err
	}
	defer r.stop()
	batches := (entries + len(load.entries) - 1) / len(load.entries)
	if r.prepare != nil {
		err = r.prepare(load, batches)
	} else if err = r.send(load); err == nil { // connects
		err = r.flush()
	}
	if err != nil {
		return 0, err
	}
	runtime.GC()
	before, err := cputime.Process()
	if err != nil {
		return 0, err
	}
	for range batches {
		if err := r.send(load); err != nil {
			return 0, err
		}
	}
	if err := r.flush(); err != nil {
		return 0, err
	}
	after, err := cputime.Process()
	return (after - before) / time.Duration(batches*len(load.entries)), err
}
