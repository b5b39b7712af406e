package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
)

// defaultDir is where txtrail.Open writes if nothing else is said.
const defaultDir = "./.txtrail"

// source opens what --source, TXTRAIL_DIR or the default names.
func (a *app) source() (query.Source, error) {
	spec, from := a.spec()
	dir := spec
	if scheme, rest, ok := strings.Cut(spec, ":"); ok && isScheme(scheme) {
		switch scheme {
		case "gcl":
			return a.gclSource(rest, from)
		case "journal":
			dir = rest
		default:
			return nil, usage("%s %q: no source of kind %q; want journal:DIR or gcl:PROJECT (or ./DIR for a folder whose name has a colon)", from, spec, scheme)
		}
	}
	if err := a.checkFolder(dir, from); err != nil {
		return nil, err
	}
	src, err := journalquery.Open(dir, nil)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w%s", err, via(from))
	case err != nil:
		return nil, usage("%s%s", plain(err), via(from))
	}
	return src, nil
}

// checkFolder looks at a journal's folder before anything else does, so that every
// command says the same of one that is not there, or is none. Whether it may be read,
// who reads it finds out.
func (a *app) checkFolder(dir, from string) error {
	if dir == "" {
		return usage("%s names no folder; want journal:DIR", from)
	}
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &noneError{fmt.Sprintf(a.say(
			"no journal at %s: there is no such folder%s. Name the one that the services write to with --source DIR or TXTRAIL_DIR",
			"%s에 저널이 없음: 폴더가 없음%s. 서비스가 기록하는 폴더를 --source DIR 또는 TXTRAIL_DIR로 지정"), dir, via(from))}
	case errors.Is(err, fs.ErrPermission):
		return nil
	case err != nil:
		return usage("%v%s", err, via(from))
	case !st.IsDir():
		return usage(a.say("%s is no folder%s: want the one that the services write to", "%s: 폴더가 아님%s. 서비스가 기록하는 폴더를 지정"), dir, via(from))
	}
	return nil
}

// spec is what says where to look, and which setting that is.
func (a *app) spec() (spec, from string) {
	if a.flags.Source != "" {
		return a.flags.Source, "--source"
	}
	if dir := a.env("TXTRAIL_DIR"); dir != "" {
		return dir, "TXTRAIL_DIR"
	}
	return defaultDir, ""
}

// folder returns the journal's folder that is meant, what says so, and false if it is
// no journal.
func (a *app) folder() (dir, from string, ok bool) {
	spec, from := a.spec()
	scheme, rest, cut := strings.Cut(spec, ":")
	switch {
	case !cut || !isScheme(scheme):
		return spec, from, true
	case scheme == "journal":
		return rest, from, true
	}
	return "", from, false
}

// via says which setting named a folder.
func via(from string) string {
	if from == "" {
		return ""
	}
	return " (" + from + ")"
}

// isScheme tells "journal" of journal:DIR from a drive's letter and from a path.
func isScheme(s string) bool {
	if len(s) < 2 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// where says what was searched: "journal:./.txtrail (3 files, 1.2 MiB, cover
// 18:00–19:10 KST)".
func (a *app) where(c *query.Coverage) string {
	if c.Files == 0 && c.From.IsZero() {
		return a.say(c.Source+" (empty)", c.Source+" (비어 있음)")
	}
	s := c.Source + " ("
	if c.Files > 0 {
		files := a.say(" files, ", "개 파일, ")
		if c.Files == 1 {
			files = a.say(" file, ", "개 파일, ")
		}
		s += human.Count(int64(c.Files)) + files + human.Bytes(c.Bytes)
	}
	if c.From.IsZero() {
		return s + a.say(", no entries)", ", 기록 없음)")
	}
	if c.Files > 0 {
		s += ", "
	}
	return s + a.say("covering ", "범위 ") + a.period(c.From, c.To) + ")"
}

// moment writes a time.
func (a *app) moment(t time.Time) string { return t.In(a.zone).Format("2006-01-02 15:04:05 MST") }

// period writes a range of time, its day once if there is only one.
func (a *app) period(from, to time.Time) string {
	f, t := from.In(a.zone), to.In(a.zone)
	layout := "2006-01-02 15:04:05 MST"
	if f.Format("2006-01-02") == t.Format("2006-01-02") {
		layout = "15:04:05 MST"
	}
	return f.Format("2006-01-02 15:04:05") + " – " + t.Format(layout)
}
