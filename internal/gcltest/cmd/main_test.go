package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// TestMain lets the test's program be the command.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-addr" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// It says where it listens, takes entries, and says how many when it is interrupted.
func TestServe(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-addr", "127.0.0.1:0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{ProjectID: "shop-test", Endpoint: strings.TrimSpace(addr), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	e := &entry.Entry{Time: time.Now(), InsertID: "i", Kind: entry.KindLog}
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), []*entry.Entry{e}); err != nil {
		t.Error(err)
	}
	_ = s.Close(t.Context())
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Skip("no interrupt on this system: ", err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil || !strings.Contains(errs.String(), "1 entries written, 0 reads") {
		t.Errorf("%v, %q", err, &errs)
	}
}

func TestArguments(t *testing.T) {
	var out, errs bytes.Buffer
	for want, args := range map[int][]string{0: {"-h"}, 1: {"-addr", "nowhere"}, 2: {"-nonsense"}} {
		if code := run(args, &out, &errs); code != want {
			t.Errorf("%q gives %d, want %d", args, code, want)
		}
	}
}
