package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/middleware/conformance"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // httptest tells of servers that wait
	os.Exit(m.Run())
}

// Ours passes everything, and so does nothing at all.
func TestOursPasses(t *testing.T) {
	t.Parallel()
	all := shown()[:2]
	if err := examineAll(t.Context(), all, nil, io.Discard); err != nil {
		t.Fatal(err)
	}
	if all[0].name != "nothing" || all[1].name != "txtrail" || !all[0].must || !all[1].must {
		t.Fatalf("the first two are %+v", all)
	}
	for _, o := range all {
		if len(o.results) < 200 || o.failed() > 0 {
			var b strings.Builder
			_ = failures(&b, all)
			t.Errorf("%s: %d results, %d failed\n%s", o.name, len(o.results), o.failed(), b.String())
		}
	}
}

// The table can see a failure: whoever buffers fails what it is known to break, on
// both sides.
func TestBufferingFails(t *testing.T) {
	t.Parallel()
	all := []outcome{{name: "an afternoon's"}}
	if err := examineAll(t.Context(), all, &conformance.CheckOptions{Patience: 300 * time.Millisecond, Parallel: 64}, io.Discard); err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, r := range all[0].results {
		if !r.Passed() {
			failed[r.Protocol+"/"+r.Name] = true
		}
	}
	for _, name := range []string{
		"HTTP1/FlushedArrives", "H2/FlushedArrives", "H2C/FlushedArrives",
		"HTTP1/SendfileIsKept", "HTTP1/HijackByBuffers", "HTTP1/UnreadIsNotDrained", "/headers come before the body", "/both directions at once",
	} {
		if !failed[name] {
			t.Errorf("%s passed", name)
		}
	}
	var b strings.Builder
	if err := failures(&b, all); err != nil || !strings.Contains(b.String(), "FlushedArrives (HTTP1 H2 H2C)") || !strings.Contains(b.String(), "headers come before the body (client)") {
		t.Errorf("error %v:\n%s", err, b.String())
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	results := func(failures ...string) []conformance.Result {
		return []conformance.Result{
			{Protocol: "HTTP1", Group: "files", Name: "A", Failures: failures},
			{Protocol: "HTTP1", Group: "files", Name: "B"},
			{Protocol: "H2", Group: "files", Name: "A", Failures: failures},
			{Group: "failure", Name: "C"},
		}
	}
	var b bytes.Buffer
	if err := table(&b, []outcome{{name: "one", results: results()}, {name: "two", results: results("x")[:3]}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := "one two|server: files 3 of 3 1 of 3|client: failure 1 of 1 –||server over HTTP1 2 of 2 1 of 2|server over H2 1 of 1 0 of 1|client 1 of 1 –"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"x"}, {"-patience", "0"}, {"-parallel", "0"}, {"-nosuch"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
