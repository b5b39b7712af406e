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
	"syscall"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/txid"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings given. It returns the exit code: 0 for a story
// told, 1 for anything that failed, 2 for wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("webview", flag.ContinueOnError)
	flags.SetOutput(stderr)
	once := flags.Bool("once", false, "stop the services after the scenario and print the story")
	role := flags.String("role", "", "run one of the services: ssr, web or core (used by the command itself)")
	dir := flags.String("dir", defaultDir(), "folder of the journal")
	endpoint := flags.String("endpoint", "", "send to a Cloud Logging test service at HOST:PORT too: go run ./internal/gcltest/cmd")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "webview: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	var err error
	if *role != "" {
		err = serve(*role)
	} else {
		err = drive(*dir, *endpoint, *once, stdout, stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "webview:", err)
		return 1
	}
	return 0
}

func defaultDir() string {
	if d := os.Getenv("TXTRAIL_DIR"); d != "" {
		return d
	}
	return txtrail.DefaultDir
}

// drive starts the product, plays the user, and tells the story.
func drive(dir, endpoint string, once bool, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	p, err := startAll(abs, cloud(endpoint)...)
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			_ = p.end()
		}
	}()
	_, _ = fmt.Fprintf(stderr, "ssr %s   web %s   core %s   journal %s\n", p.ssr.url, p.web.url, p.core.url, dir)
	id, err := newApp(p.ssr.url, p.web.url).run(ctx, stderr)
	if err != nil {
		return err
	}
	if once {
		ended = true
		if err := p.end(); err != nil {
			return err
		}
		if endpoint != "" {
			_, _ = fmt.Fprintf(stderr, "in Cloud Logging: %s show %s --source %s\n", cli, id, render.Quote(cloudSource(endpoint)))
		}
		_, _ = fmt.Fprintln(stderr, "the three services have ended; from the journal:")
		return story(ctx, dir, id, stdout)
	}
	if err := settle(ctx, dir, id); err != nil {
		return err
	}
	if err := story(ctx, dir, id, stdout); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stderr, `
open %[1]s/items in a browser, or try in another terminal:
  %[3]s show %[2]s%[4]s
  %[3]s find --user 8812 --since 10m --failed%[4]s
  %[3]s tail%[4]s
`, p.ssr.url, id, cli, spaced(source(dir)))
	if endpoint != "" {
		_, _ = fmt.Fprintf(stderr, "  %s show %s --source %s\n", cli, id, render.Quote(cloudSource(endpoint)))
	}
	_, _ = fmt.Fprintln(stderr, "serving until Ctrl-C")
	<-ctx.Done()
	ended = true
	return p.end()
}

// settle waits until nothing more is written to the story: the services write a few
// milliseconds after they have answered, and one of them still works on a charge
// that its caller has given up.
func settle(ctx context.Context, dir string, id txid.ID) error {
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		return err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for before, tries := -1, 0; tries < 20; tries++ {
		r, err := src.Lookup(ctx, string(id))
		if err != nil {
			return err
		}
		if len(r.Entries) == before {
			break
		}
		before = len(r.Entries)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// story prints what the journal says of id, as "txtrail show" does.
func story(ctx context.Context, dir string, id txid.ID, stdout io.Writer) error {
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		return err
	}
	found, err := query.Load(ctx, src, string(id))
	if err != nil {
		return err
	}
	if len(found.Stories) != 1 {
		return fmt.Errorf("no entries for %s in %s", id, src.Name())
	}
	p := render.New(stdout, render.Options{Width: 100, Zone: time.Local, Command: cli, Args: source(dir)})
	p.Story(found.Stories[0], string(id), render.Detail{Body: render.BodyNone}, 0)
	return p.Flush()
}

// cli is how the txtrail command is called from a clone of the repository.
const cli = "go run ./cmd/txtrail"

// source is the flag by which the command finds the journal, "" where it looks there
// by itself.
func source(dir string) string {
	if dir == defaultDir() {
		return ""
	}
	return "--source " + render.Quote(dir)
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}
