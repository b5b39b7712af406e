package main

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
)

// app is a run with its global flags understood.
type app struct {
	*system
	ctx      context.Context
	flags    *globals
	lang     query.Lang
	terminal bool // standard output is one
	piped    bool // it is none, and nobody said how wide it is
	width    int
	color    bool
}

func (a *app) configure(g *globals) error {
	a.flags = g
	if g.Limit != nil && *g.Limit < 0 {
		return usage("--limit %d: want 0 for all, or how many rows", *g.Limit)
	}
	switch g.Lang {
	case "en", "ko":
		a.lang = query.Lang(g.Lang)
	default:
		a.lang = query.English
		for _, name := range [...]string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if v := a.env(name); v != "" {
				a.lang = query.LangOf(v)
				break
			}
		}
	}
	if g.UTC {
		a.zone = time.UTC
	}
	a.width = render.DefaultWidth
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.terminal = true
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			a.width = w
		}
	} else if w, err := strconv.Atoi(a.env("COLUMNS")); err == nil && w > 0 {
		a.width = min(w, 1000)
	} else {
		a.piped = true
	}
	a.color = wantColor(g.Color, a.terminal, a.env, runtime.GOOS)
	return nil
}

// wantColor decides about colours. NO_COLOR counts where nobody asked for colours
// (no-color.org), TERM=dumb obeys no sequences, and an old Windows console shows
// them raw: there a terminal that knows them says so.
func wantColor(mode string, terminal bool, env func(string) string, goos string) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	return terminal && env("NO_COLOR") == "" && env("TERM") != "dumb" &&
		(goos != "windows" || env("WT_SESSION") != "" || env("TERM") != "")
}

// limit is how many rows are shown: what was asked for, or the command's own
// default. 0 is all.
func (a *app) limit(otherwise int) int {
	if a.flags.Limit != nil {
		return *a.flags.Limit
	}
	return otherwise
}

// printer writes for people on standard output.
func (a *app) printer() *render.Printer {
	o := render.Options{Width: a.width, Color: a.color, Lang: a.lang, Zone: a.zone, Unwrapped: a.piped}
	var args []string
	if a.flags.Source != "" {
		args = append(args, "--source "+render.Quote(a.flags.Source))
	}
	if a.flags.UTC { // times in what is proposed are written in it
		args = append(args, "--utc")
	}
	o.Args = strings.Join(args, " ")
	return render.New(a.stdout, o)
}

func (a *app) say(en, ko string) string {
	if a.lang == query.Korean {
		return ko
	}
	return en
}
