package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/blackbox"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query/querytest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// now is the sample's day, an hour and a half later.
func now() time.Time { return time.Date(2026, 11, 20, 11, 30, 0, 0, time.UTC) }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"txtrail": func() { os.Exit(program(now)) }})
}

// TestScripts runs the command as a program: testdata/*.txtar. UPDATE_GOLDEN=1
// rewrites what they compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("UPDATE_GOLDEN") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "Asia/Seoul")
			e.Setenv("LANG", "C")
			e.Setenv("LC_ALL", "")
			e.Setenv("LC_MESSAGES", "")
			e.Setenv("NO_COLOR", "")
			e.Setenv("COLUMNS", "")
			e.Setenv("TXTRAIL_DIR", "")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"sample": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(store(ts.MkAbs(args[0]), querytest.Sample()))
			},
			"sample-of": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, name := range args[1:] {
					ts.Check(storeOf(ts.MkAbs(args[0]), name, querytest.Sample()))
				}
			},
			"journal": func(ts *testscript.TestScript, _ bool, args []string) {
				es, err := parse(ts.ReadFile(args[1]))
				ts.Check(err)
				ts.Check(store(ts.MkAbs(args[0]), es))
			},
			"cloud":  cloud,
			"deny":   deny,
			"lose":   lose,
			"dies":   dies,
			"serves": serves,
			"same":   same,
			"damage": damage,
			"spoil":  spoil,
			"status": func(ts *testscript.TestScript, _ bool, args []string) {
				// exec compares success alone; this compares the exit status.
				err := ts.Exec(args[1], args[2:]...)
				got := "0"
				if err != nil {
					got = strings.TrimPrefix(err.Error(), "exit status ")
				}
				if got != args[0] {
					ts.Fatalf("exit status %s, want %s", got, args[0])
				}
			},
		},
	})
}

// store writes entries into a journal and closes it.
func store(dir string, es []*entry.Entry) error { return storeOf(dir, "", es) }

// storeOf does so under a writer's name.
func storeOf(dir, name string, es []*entry.Entry) error {
	j, err := journalsink.Open(dir, &journalsink.Options{Name: name})
	if err != nil {
		return err
	}
	if err := j.Write(context.Background(), es); err != nil {
		return err
	}
	return j.Close(context.Background())
}

func parse(lines string) ([]*entry.Entry, error) {
	var es []*entry.Entry
	s := bufio.NewScanner(strings.NewReader(lines))
	s.Buffer(nil, entry.MaxLine)
	for s.Scan() {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		e, err := entry.Parse(s.Bytes())
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, s.Err()
}

// damage puts a journal file into the folder of which a line is spoiled.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	aside, err := os.MkdirTemp("", "")
	ts.Check(err)
	defer func() { _ = os.RemoveAll(aside) }()
	j, err := journalsink.Open(aside, nil)
	ts.Check(err)
	ts.Check(j.Write(context.Background(), querytest.Sample()))
	names, err := filepath.Glob(filepath.Join(aside, "*.jsonl"))
	ts.Check(err)
	b, err := os.ReadFile(names[0])
	ts.Check(err)
	i := bytes.Index(b, []byte("/api/cart"))
	b[i+1] ^= 1
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, filepath.Base(names[0])), b, 0o600))
	ts.Check(j.Close(context.Background()))
}

// spoil spoils the compressed entries of the closed files of a folder.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.zst"))
	ts.Check(err)
	if len(paths) == 0 {
		ts.Fatalf("no closed file in %s", args[0])
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		ts.Check(err)
		for i := 40; i < 60; i++ {
			b[i] ^= 0xff
		}
		ts.Check(os.WriteFile(path, b, 0o600))
	}
}

// dies leaves in a folder what a process of a service was serving when it died: a copy
// of the list, which nobody holds.
func dies(ts *testscript.TestScript, _ bool, args []string) {
	aside, dir := ts.MkAbs(args[0]+"-aside"), ts.MkAbs(args[0])
	serves(ts, false, []string{aside, args[1]})
	items, err := os.ReadDir(aside)
	ts.Check(err)
	ts.Check(os.MkdirAll(dir, 0o700))
	for _, path := range blackbox.List(items, aside) {
		b, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600))
	}
}

// serves begins two requests of a service that lives.
func serves(ts *testscript.TestScript, _ bool, args []string) {
	j, err := journalsink.Open(ts.MkAbs(args[0]), nil)
	ts.Check(err)
	l, err := j.InFlight(&journalsink.InFlightOptions{OnDisk: true, Resource: &entry.Resource{Service: args[1], PID: 4711}})
	ts.Check(err)
	for i := range 2 {
		l.Begin(sink.InFlightRequest{ID: "0197a3c2-dead", Start: now().Add(time.Duration(i) * time.Second), Method: "GET", Route: "/pay"})
	}
	ts.Defer(func() { _ = j.Close(context.Background()) })
}

// lose says in each cursor of a folder that a file of seven entries waits, which is not
// there.
func lose(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), ".ship", "*", "*.cursor"))
	ts.Check(err)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		ts.Check(err)
		line, _, _ := bytes.Cut(b, []byte(`,"crc":"`))
		line = append(line[:len(line):len(line)], `,"at":{"txtrail-20261120T100000-00000009-000001":{"offset":0,"known":7}}}`...)
		crc := crc32.Checksum(line, crc32.MakeTable(crc32.Castagnoli))
		ts.Check(os.WriteFile(path, fmt.Appendf(line[:len(line)-1], `,"crc":"%08x"}`, crc), 0o600))
	}
}

// deny makes the service that cloud started refuse a method.
func deny(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs("denied"), []byte(args[0]), 0o600))
}

// cloud starts a Cloud Logging service with the sample in a project's log, and says
// by GCL and OTHER how to read that project and one without entries.
func cloud(ts *testscript.TestScript, _ bool, args []string) {
	srv, err := gcltest.Start(&gcltest.Options{Now: now})
	ts.Check(err)
	denied := ts.MkAbs("denied")
	srv.SetFault(func(method string, _ int) gcltest.Fault {
		if b, err := os.ReadFile(denied); err == nil && string(b) == method {
			return gcltest.Fault{Code: codes.PermissionDenied}
		}
		return gcltest.Fault{}
	})
	ts.Defer(srv.Close)
	s, err := cloudloggingsink.New(context.Background(), &cloudloggingsink.Options{ProjectID: args[0], Endpoint: srv.Addr(), Insecure: true, Now: now})
	ts.Check(err)
	ts.Check(s.Write(context.Background(), querytest.Sample()))
	ts.Check(s.Close(context.Background()))
	ts.Setenv("GCL", "gcl:"+args[0]+"?endpoint="+srv.Addr()+"&insecure")
	ts.Setenv("OTHER", "gcl:other-one?endpoint="+srv.Addr()+"&insecure")
}

// same compares two documents of -o json but for where was searched.
func same(ts *testscript.TestScript, neg bool, args []string) {
	var rest [2]string
	for i := range rest {
		_, after, ok := strings.Cut(ts.ReadFile(args[i]), "\n \"story\": ")
		if !ok {
			ts.Fatalf("%s has no story", args[i])
		}
		rest[i] = after
	}
	if (rest[0] == rest[1]) == neg {
		ts.Fatalf("the documents differ, or should:\n%s\n%s", rest[0], rest[1])
	}
}
