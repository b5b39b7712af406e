package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

// config is what the flags say.
type config struct {
	entries, sqlite    int
	lookups, cold      int
	rate               int
	dir                string
	keep               bool
	role               string
	out                io.Writer
	journalDir, dbPath string
}

// writerRole is the process that writes while the others read.
const writerRole = "writer"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "journal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	c := config{out: out}
	flags := flag.NewFlagSet("journal", flag.ContinueOnError)
	flags.IntVar(&c.entries, "entries", 500_000, "entries in the journal")
	flags.IntVar(&c.sqlite, "sqlite", 200_000, "entries in SQLite; 0: without it")
	flags.IntVar(&c.lookups, "lookups", 1000, "look-ups by txid, warm")
	flags.IntVar(&c.cold, "cold", 8, "look-ups with an empty page cache; needs root")
	flags.IntVar(&c.rate, "rate", 2000, "entries per second that another process writes meanwhile")
	flags.StringVar(&c.dir, "dir", "", "folder to work in (default: a new one among the temporary ones)")
	flags.BoolVar(&c.keep, "keep", false, "leave what was made")
	flags.StringVar(&c.role, "role", "", "used by the program itself")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.entries < 1000 || c.sqlite < 0 || c.lookups < 1 || c.rate < 0 || flags.NArg() > 0 {
		return errors.New("want -entries of at least 1000, -lookups of at least 1 and nothing else")
	}
	if c.role == writerRole {
		return writeSteadily(ctx, c.dir, c.rate)
	}
	dir, err := os.MkdirTemp(c.dir, "txtrail-journal-")
	if err != nil {
		return err
	}
	if c.keep {
		_, _ = fmt.Fprintln(out, "in", dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	c.journalDir, c.dbPath = filepath.Join(dir, "journal"), filepath.Join(dir, "entries.db")
	return measure(ctx, &c)
}

func measure(ctx context.Context, c *config) error {
	t := &table{out: c.out}
	if err := costs(ctx, c, t); err != nil {
		return err
	}
	known, err := fill(ctx, c, t)
	if err != nil {
		return err
	}
	if err := ask(ctx, c, t, known); err != nil {
		return err
	}
	if c.sqlite > 0 {
		if err := compare(ctx, c, t); err != nil {
			return err
		}
	}
	return retain(ctx, c, t)
}
