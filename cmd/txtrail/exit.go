package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/txtrail/txtrail/query"
)

// The exit statuses, which scripts rely on.
const (
	exitFound      = 0
	exitNone       = 1
	exitUsage      = 2
	exitPartial    = 3
	exitPermission = 4
)

// usageError is a fault of the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usage(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// noneError says that nothing was found, and where.
type noneError struct{ msg string }

func (e *noneError) Error() string { return e.msg }

// packages are the names that our errors begin with. They tell a programmer where an
// error comes from, and somebody at a prompt nothing.
var packages = [...]string{
	"sink", "query", "journalsink", "journalquery", "cloudloggingsink", "cloudloggingquery", "redact", "sanitize",
}

// plain returns what an error says without the packages that it went through.
func plain(err error) string {
	s := err.Error()
	for _, p := range packages {
		s = strings.ReplaceAll(s, ": "+p+": ", ": ")
	}
	for again := true; again; {
		again = false
		for _, p := range packages {
			if rest, ok := strings.CutPrefix(s, p+": "); ok {
				s, again = rest, true
			}
		}
	}
	return s
}

// fail says what went wrong and returns the status for it.
func (a *app) fail(err error) int {
	var u *usageError
	var n *noneError
	switch {
	case errors.As(err, &u), errors.Is(err, query.ErrPrefix), errors.Is(err, query.ErrStatus), errors.Is(err, query.ErrTime):
		a.talk("%s", plain(err))
		return exitUsage
	case errors.As(err, &n):
		a.talk("%s", plain(err))
		return exitNone
	case errors.Is(err, context.Canceled):
		a.talk("%s", a.say("interrupted", "중단됨"))
		return exitPartial
	case errors.Is(err, fs.ErrPermission):
		a.talk("%s", plain(err))
		return exitPermission
	}
	a.talk("%s", plain(err))
	return exitPartial
}

// status returns the exit status of an answer: shown says whether there was
// anything to show.
func (a *app) status(r *query.Result, shown bool) int {
	denied := false
	for _, w := range r.Warnings {
		denied = denied || errors.Is(w.Err, fs.ErrPermission)
	}
	switch {
	case !shown && denied:
		return exitPermission
	case r.Partial():
		return exitPartial
	case !shown:
		return exitNone
	}
	return exitFound
}

// warn tells what could not be read.
func (a *app) warn(r *query.Result) {
	const most = 5
	for i, w := range r.Warnings {
		if i == most {
			a.talk("%s", a.say(
				fmt.Sprintf("and %d more that could not be read; -o json lists them", len(r.Warnings)-most),
				fmt.Sprintf("읽지 못한 곳 %d건 더: -o json에 모두 표시", len(r.Warnings)-most)))
			break
		}
		a.talk(a.say("partial: %s", "일부 누락: %s"), w)
	}
}
