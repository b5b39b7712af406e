package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/txtrail/txtrail/internal/render"
)

// system is what a run has of the world, so that tests can give it another.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	now            func() time.Time
	zone           *time.Location
}

// globals are the flags of every command.
type globals struct {
	Source string   `short:"s" placeholder:"SOURCE" help:"Where to look: journal:DIR, or DIR alone; gcl:PROJECT for Cloud Logging. Default: TXTRAIL_DIR, or ./.txtrail."`
	Output string   `short:"o" enum:"text,json,jsonl" default:"text" help:"text for people, json one document, jsonl canonical lines."`
	Color  string   `enum:"auto,always,never" default:"auto" help:"auto: on a terminal, unless NO_COLOR is set (${enum})."`
	UTC    bool     `name:"utc" help:"Times in UTC instead of the local zone."`
	Lang   string   `enum:"en,ko,auto" default:"auto" help:"Language of texts for people: en, ko; auto takes it from LC_ALL, LC_MESSAGES or LANG."`
	Limit  *int     `short:"n" placeholder:"N" help:"At most N rows; 0: all. What is left out is said. Of tail: how many of the last ones to begin with."`
	Help   helpFlag `short:"h" help:"Show what there is to know."`
}

type cli struct {
	globals

	VersionFlag versionFlag `name:"version" help:"Say which version this is."`

	Show    showCmd    `cmd:"" help:"Tell the story of a transaction ID."`
	Find    findCmd    `cmd:"" help:"Find stories, or entries, by user, device, route, status and more."`
	Tail    tailCmd    `cmd:"" help:"Follow entries as they are written."`
	Doctor  doctorCmd  `cmd:"" help:"Say what is stored, what waits for a sink, and what is wrong."`
	Ship    shipCmd    `cmd:"" help:"Ship what services left in a journal's folder."`
	Reship  reshipCmd  `cmd:"" help:"Have what a sink refused sent again."`
	Redact  redactCmd  `cmd:"" help:"Sanitize standard input as services do before anything is stored."`
	Version versionCmd `cmd:"" help:"Say which version this is."`
}

const description = `Reads what services recorded of a transaction ID.

Exit status: 0 found, 1 nothing found, 2 usage, 3 partial (something could not be read), 4 no permission.`

// errHelp ends the parsing once help, or the version, was shown.
var errHelp = errors.New("help shown")

// helpFlag shows help and ends the run by a return instead of an exit.
type helpFlag bool

// BeforeReset implements kong's hook, which runs before required arguments are
// asked for.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return &outputError{err}
	}
	return errHelp
}

// versionFlag says the version, as the command of that name does.
type versionFlag bool

// BeforeReset implements kong's hook.
func (versionFlag) BeforeReset(ctx *kong.Context) error {
	if _, err := fmt.Fprintln(ctx.Stdout, versionLine(debug.ReadBuildInfo())); err != nil {
		return &outputError{err}
	}
	return errHelp
}

// run is the whole command but for the process around it.
func run(ctx context.Context, args []string, sys *system) int {
	a := &app{system: sys, ctx: ctx}
	var c cli
	parser, err := kong.New(&c,
		kong.Name("txtrail"), kong.Description(description),
		kong.Writers(sys.stdout, sys.stderr), kong.NoDefaultHelp(),
		kong.Exit(func(int) {}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	)
	if err != nil { // a fault of ours, which every test would meet
		return a.fail(usage("%v", err))
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // txtrail help find
		args = append(slices.Clone(args[1:]), "--help")
	}
	k, err := parser.Parse(args)
	var out *outputError
	switch {
	case errors.Is(err, errHelp):
		return exitFound
	case errors.As(err, &out):
		return a.fail(out)
	}
	if err != nil {
		hint := "txtrail --help"
		var pe *kong.ParseError
		if errors.As(err, &pe) && pe.Context != nil && pe.Context.Command() != "" {
			if name, _, _ := strings.Cut(pe.Context.Command(), " "); name != "" {
				hint = "txtrail " + name + " --help"
			}
		}
		return a.fail(usage("%s. See %s", plainParse(err.Error()), hint))
	}
	if err := emptyFlag(k); err != nil {
		return a.fail(err)
	}
	if err := a.configure(&c.globals); err != nil {
		return a.fail(err)
	}
	var cmd command
	switch name, _, _ := strings.Cut(k.Command(), " "); name {
	case "show":
		cmd = &c.Show
	case "find":
		cmd = &c.Find
	case "tail":
		cmd = &c.Tail
	case "doctor":
		cmd = &c.Doctor
	case "ship":
		cmd = &c.Ship
	case "reship":
		cmd = &c.Reship
	case "redact":
		cmd = &c.Redact
	default:
		cmd = &c.Version
	}
	code, err := cmd.run(a)
	if err != nil {
		return a.fail(err)
	}
	return code
}

// emptyFlag tells of a flag that was given an empty value, such as --user "$ID" in a
// script whose variable is not set: taken for none, everything would match.
func emptyFlag(k *kong.Context) error {
	for _, p := range k.Path {
		if p.Flag == nil {
			continue
		}
		switch v := p.Flag.Target; v.Kind() {
		case reflect.String:
			if v.String() == "" {
				return usage(`--%s "": the value is empty; leave the flag out, or say what`, p.Flag.Name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				if e := v.Index(i); e.Kind() == reflect.String && e.String() == "" {
					return usage(`--%s "": a value is empty; leave it out, or say what`, p.Flag.Name)
				}
			}
		default: // an empty key is one that can be asked about
		}
	}
	return nil
}

// command is one verb. It returns an exit status, or an error that says it.
type command interface {
	run(a *app) (int, error)
}

// talk writes a line for people on standard error. What was logged or typed in it
// is escaped here.
func (a *app) talk(format string, args ...any) {
	_, _ = fmt.Fprintln(a.stderr, "txtrail: "+render.Escape(fmt.Sprintf(format, args...)))
}
