// Command cmd serves the Cloud Logging test service until Ctrl-C, to try sinks and
// sources on by hand:
//
//	go run ./internal/gcltest/cmd -addr 127.0.0.1:8585
//	TXTRAIL_CLOUDLOGGING_ENDPOINT=127.0.0.1:8585 TXTRAIL_CLOUDLOGGING_INSECURE=1 …
//	txtrail show TXID --source 'gcl:PROJECT?endpoint=127.0.0.1:8585&insecure'
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/txtrail/txtrail/internal/gcltest"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("gcltest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8585", "where to listen; port 0: a free one")
	quota := flags.Bool("quota", true, "allow 60 reads a minute, as the service does")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	srv, err := gcltest.Start(&gcltest.Options{Addr: *addr, Quota: *quota})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	_, _ = fmt.Fprintln(stdout, srv.Addr())
	<-ctx.Done()
	n := len(srv.Entries())
	srv.Close()
	_, _ = fmt.Fprintf(stderr, "%d entries written, %d reads, gone with this process\n", n, srv.Calls("ListLogEntries"))
	return 0
}
