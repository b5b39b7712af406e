package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
)

func TestWantColor(t *testing.T) {
	for _, c := range []struct {
		mode     string
		terminal bool
		env      map[string]string
		goos     string
		want     bool
	}{
		{"auto", true, nil, "linux", true},
		{"auto", false, nil, "linux", false},
		{"auto", true, map[string]string{"NO_COLOR": "1"}, "linux", false},
		{"auto", true, map[string]string{"NO_COLOR": ""}, "linux", true},
		{"auto", true, map[string]string{"TERM": "dumb"}, "linux", false},
		{"auto", true, nil, "windows", false},
		{"auto", true, map[string]string{"WT_SESSION": "x"}, "windows", true},
		{"always", false, map[string]string{"NO_COLOR": "1"}, "linux", true},
		{"never", true, nil, "linux", false},
	} {
		if got := wantColor(c.mode, c.terminal, func(n string) string { return c.env[n] }, c.goos); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestStatuses(t *testing.T) {
	a := &app{system: &system{stderr: io.Discard}}
	for name, c := range map[string]struct {
		warnings []query.Warning
		shown    bool
		want     int
	}{
		"found":                     {nil, true, exitFound},
		"none":                      {nil, false, exitNone},
		"found, partial":            {[]query.Warning{{Err: errors.New("x")}}, true, exitPartial},
		"none, partial":             {[]query.Warning{{Err: errors.New("x")}}, false, exitPartial},
		"found, some not permitted": {[]query.Warning{{Err: fmt.Errorf("x: %w", fs.ErrPermission)}}, true, exitPartial},
		"none, some not permitted":  {[]query.Warning{{Err: fmt.Errorf("x: %w", fs.ErrPermission)}}, false, exitPermission},
	} {
		if got := a.status(&query.Result{Warnings: c.warnings}, c.shown); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{usage("x"), exitUsage},
		{fmt.Errorf("x: %w", query.ErrPrefix), exitUsage},
		{&noneError{"x"}, exitNone},
		{fmt.Errorf("x: %w", fs.ErrPermission), exitPermission},
		{context.Canceled, exitPartial},
		{errors.New("disk on fire"), exitPartial},
	} {
		if got := a.fail(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestAWriterThatFails(t *testing.T) {
	dir := t.TempDir()
	if err := store(dir, querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"show", "0197"},
		{"show", "0197#1"},
		{"show", "0197", "-o", "json"},
		{"show", "0197", "-o", "jsonl"},
		{"find"},
		{"find", "-e"},
		{"find", "-o", "json"},
		{"find", "-o", "jsonl"},
		{"version"},
		{"--version"},
		{"--help"},
		{"help", "find"},
		{"tail", "--since", "2026-11-20"},
	} {
		var errs bytes.Buffer
		code := run(context.Background(), append(args, "-s", dir), &system{
			stdout: fullDisk{}, stderr: &errs, zone: time.UTC, env: func(string) string { return "" }, now: time.Now,
		})
		if code != exitPartial || !strings.Contains(errs.String(), "no space") {
			t.Errorf("%v: status %d, %s", args, code, errs.String())
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestInterruptedSearch(t *testing.T) {
	dir := t.TempDir()
	if err := store(dir, querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for args, want := range map[string]int{"show 0197": exitPartial, "find": exitPartial, "tail": exitFound} {
		var out, errs bytes.Buffer
		code := run(ctx, append(strings.Fields(args), "-s", dir), &system{
			stdout: &out, stderr: &errs, zone: time.UTC, env: func(string) string { return "" }, now: time.Now,
		})
		if code != want || out.Len() > 0 {
			t.Errorf("%s: status %d, want %d: %s", args, code, want, errs.String())
		}
	}
}

func TestVersionLine(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}}
	info.Main.Version = "v1.2.3"
	if got := versionLine(info, true); !strings.HasPrefix(got, "txtrail v1.2.3 0123456789ab+dirty go1.") {
		t.Error(got)
	}
	if got := versionLine(nil, false); !strings.HasPrefix(got, "txtrail (unknown) go1.") {
		t.Error(got)
	}
}

func TestIsScheme(t *testing.T) {
	for s, want := range map[string]bool{"journal": true, "gcl": true, "s3": true, "C": false, "c": false, "./a": false, "a/b": false, "3s": false, "": false, "한글": false} {
		if isScheme(s) != want {
			t.Errorf("isScheme(%q) = %v", s, !want)
		}
	}
}

// FuzzArgs: whatever is typed gives one of the statuses, and nothing typed reaches
// the terminal raw.
func FuzzArgs(f *testing.F) {
	dir := f.TempDir()
	if err := store(dir, querytest.Sample()); err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"0197a3c2", "0197#4", "\x1b[2J", "--since", "\u202e", "-", "--", "#", "a#0", "--help"} {
		f.Add("show", s)
		f.Add("find", s)
	}
	f.Fuzz(func(t *testing.T, cmd, arg string) {
		if cmd == "tail" { // has no end
			return
		}
		var out, errs bytes.Buffer
		code := run(context.Background(), []string{cmd, arg}, &system{
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs, zone: time.UTC,
			env: func(n string) string {
				if n == "TXTRAIL_DIR" {
					return dir
				}
				return ""
			},
			now: func() time.Time { return time.Date(2026, 11, 20, 11, 30, 0, 0, time.UTC) },
		})
		if code < exitFound || code > exitPermission {
			t.Fatalf("status %d", code)
		}
		if s := out.String() + errs.String(); strings.ContainsAny(s, "\x1b\u202e\r\x00\x7f") {
			t.Fatalf("a control is printed: %q", s)
		}
	})
}
