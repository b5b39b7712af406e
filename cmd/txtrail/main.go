// Command txtrail reads trails: what happened to one transaction ID, in every
// service that it went through.
//
//	txtrail show 0197a3c2-7f10        the story of a txid, or of a prefix of one
//	txtrail show 0197a3c2-7f10#4      its fourth row, whole
//	txtrail find --user 8812 --since 1h
//	txtrail tail --failed
//
// What it prints on standard output is data, what it says on standard error is
// talk. See docs/cli.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(program(time.Now)) }

// program runs with what the process has, and a clock: tests have one that stands.
func program(now func() time.Time) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends what does not heed the first
	return run(ctx, os.Args[1:], &system{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		env: os.Getenv, now: now, zone: time.Local,
	})
}
