package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
	"github.com/txtrail/txtrail/benchmarks/internal/cputime"
	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

// serveCommand is the first argument of a process that is a contestant.
const serveCommand = "serve"

// serve is a contestant's process. It says "listening ADDRESS" and then answers each
// line of stdin: "mark" when what was served so far is dealt with, and "end" when it
// has shut down, both with its CPU time in nanoseconds, the requests served, and at the
// end what it failed to record. It ends with its stdin at the latest.
func serve(args []string, stdin io.Reader, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	slug := flags.String("contestant", contestant.Bare, "which")
	which := flags.String("case", "post", "which")
	dir := flags.String("dir", "", "the folder of the file that is served")
	buffer := flags.Int("buffer", 0, "bytes that a connection takes before its client reads; 0 leaves it to the system")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cases, err := workload.Servers(*dir, payload)
	if err != nil {
		return err
	}
	k, err := workload.Find(cases, *which)
	if err != nil {
		return err
	}
	all := contestant.Servers()
	i := slices.IndexFunc(all, func(c contestant.Contestant[http.Handler]) bool { return c.Slug == *slug })
	if i < 0 {
		return fmt.Errorf("there is no contestant %q", *slug)
	}
	r, err := all[i].Start(k.Handler)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Clean()) }()

	var served atomic.Int64
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			served.Add(1)
			r.Wrapped.ServeHTTP(w, req)
		}),
		ErrorLog:          log.New(io.Discard, "", 0), // it tells of every panic
		ReadHeaderTimeout: time.Minute,
	}
	ln, err := listen(*buffer)
	if err != nil {
		return err
	}
	go func() { _ = srv.Serve(ln) }()
	_, _ = fmt.Fprintf(stdout, "listening %s\n", ln.Addr())

	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		end, lost := lines.Text() == "end", ""
		if end {
			if err := shutDown(srv); err != nil {
				return err
			}
			if err := r.Stop(served.Load()); err != nil {
				lost = err.Error()
			}
		} else if err := r.Settle(); err != nil {
			return err
		}
		cpu, err := cputime.Process()
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "cpu %d served %d lost %q\n", cpu, served.Load(), lost)
		if end {
			return nil
		}
	}
	return errors.Join(srv.Close(), r.Stop(0))
}

// shutDown waits for requests that are being served. Connections that are idle, or
// have not sent a request yet, are closed.
func shutDown(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}
