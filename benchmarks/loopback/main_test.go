package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

// The contestants' processes are this very program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		if err := serve(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func linux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the clocks are Linux's")
	}
}

// A short run drives every contestant; that each answers well and none loses a request
// is checked by the run itself.
func TestRun(t *testing.T) {
	linux(t)
	t.Parallel()
	var out bytes.Buffer
	args := []string{"-driver", "own", "-rounds", "1", "-time", "50ms", "-conns", "2", "-case", "post,panic"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, c := range contestant.Servers() {
		if n := strings.Count(out.String(), "\n"+c.Name+" "); n != 2 {
			t.Errorf("%d lines for %s:\n%s", n, c.Name, out.String())
		}
	}
}

func TestAllCases(t *testing.T) {
	linux(t)
	t.Parallel()
	args := []string{"-driver", "own", "-rounds", "1", "-time", "50ms", "-conns", "2", "-case", "all", "-only", "journal"}
	if err := run(t.Context(), args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
}

// Ours sends a file by as many system calls as nothing at all.
func TestSendfile(t *testing.T) {
	linux(t)
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := config{dir: t.TempDir()}
	cases, err := chooseCases(c.dir, "file")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := traced(t.Context(), &c, contestant.Bare, &cases[0])
	if err != nil && (errors.Is(err, syscall.EPERM) || strings.Contains(err.Error(), "not permitted")) {
		t.Skipf("strace, or the buffer, is not permitted here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ours, err := traced(t.Context(), &c, contestant.Discard, &cases[0])
	if err != nil {
		t.Fatal(err)
	}
	if bare.sendfile < downloads || ours.sendfile != bare.sendfile || ours.sent != bare.sent {
		t.Errorf("sendfile: bare %+v, ours %+v", bare, ours)
	}
	buffered, err := traced(t.Context(), &c, contestant.Naive, &cases[0])
	if err != nil || buffered.sendfile != 0 || buffered.wrote < downloads*cases[0].Size {
		t.Errorf("what buffers: %+v, error %v", buffered, err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"x"},
		{"-rounds", "0"},
		{"-time", "0s"},
		{"-conns", "0"},
		{"-pause", "1500us"},
		{"-nosuch"},
		{"-driver", "nosuch"},
		{"-driver", "wrk", "-time", "1500ms"},
		{"-only", "nosuch"},
		{"-driver", "own", "-case", "nosuch"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	for _, args := range [][]string{{"-contestant", "nosuch"}, {"-case", "nosuch"}, {"-nosuch"}} {
		if err := serve(append(args, "-dir", t.TempDir()), strings.NewReader(""), io.Discard); err == nil {
			t.Errorf("serve %q is accepted", args)
		}
	}
}

// A server that can not start, or that dies, is told with what it said.
func TestDeadServer(t *testing.T) {
	linux(t)
	t.Parallel()
	if _, err := spawn(t.Context(), nil, "nosuch", "post", t.TempDir()); err == nil || !strings.Contains(err.Error(), `no contestant "nosuch"`) {
		t.Errorf("got %v", err)
	}
}

func TestParseWrk(t *testing.T) {
	t.Parallel()
	const report = `Running 1s test @ http://127.0.0.1:1/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   312.72us    1.02ms  22.39ms   96.17%
    Req/Sec    50.67k     5.46k   57.86k    72.73%
  Latency Distribution
     50%  115.00us
     75%  220.00us
     90%  415.00us
     99%    5.05ms
  55459 requests in 1.10s, 59.76MB read
Requests/sec:  50409.53
Transfer/sec:     54.31MB
`
	d, err := parseWrk(report, false)
	if err != nil || d.answered != 55459 || d.p99 != 5050*time.Microsecond {
		t.Errorf("%+v, %v", d, err)
	}
	for _, bad := range []string{"  Socket errors: connect 0, read 3, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 12\n"} {
		if _, err := parseWrk(report+bad, false); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if d, err := parseWrk("  0 requests in 1.00s, 0.00B read\n  Socket errors: connect 0, read 9999, write 0, timeout 0\n", true); err != nil || d.p99 != 0 {
		t.Errorf("panics: %+v, %v", d, err)
	}
	for _, report := range []string{"", "5 requests in 1.0s", "0 requests in 1.0s\n 99% 0.00us"} {
		if _, err := parseWrk(report, false); err == nil {
			t.Errorf("%q is accepted", report)
		}
	}
}

func TestParseStrace(t *testing.T) {
	t.Parallel()
	got := parseStrace(`42 sendfile(7, 8, NULL, 10485760) = 4194304
42 sendfile(7, 8, NULL, 6291456 <unfinished ...>
43 write(4, ""..., 8) = 8
43 read(5, ""..., 512) = 100
42 <... sendfile resumed>) = 6291456
42 sendfile(7, 8, NULL, 10485760) = -1 EAGAIN (Resource temporarily unavailable)
44 write(7, ""..., 200 <unfinished ...>
44 <... write resumed>) = 200
44 +++ exited with 0 +++
`)
	if want := (calls{sendfile: 3, sent: 10485760, wrote: 208, read: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What wrk is told is what the client in Go sends.
func TestScript(t *testing.T) {
	t.Parallel()
	got := string(script(&workload.Case{Method: "POST", Body: []byte("{\"a\": \"가\n\"}")}))
	for _, want := range []string{
		"wrk.method = \"POST\"\n",
		`wrk.body = "\123\034a\034\058 \034\234\176\128\010\034\125"` + "\n",
		`wrk.headers["Cookie"] = "sid\0610f1e2d3c4b5a\059 theme\061dark"` + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := string(script(&workload.Case{Method: "GET", Pause: 8 * time.Millisecond})); !strings.Contains(got, "\nfunction delay() return 8 end\n") {
		t.Errorf("no rest:\n%s", got)
	}
	if got := string(script(&workload.Case{Method: "GET"})); strings.Contains(got, "body") || strings.Contains(got, lua("Content-Type")) {
		t.Errorf("a GET with a body:\n%s", got)
	}
}

// What a contestant lost is told, and fails the run.
func TestLosses(t *testing.T) {
	t.Parallel()
	rows := []row{{name: "bare", samples: []sample{{}}}, {name: "ours", samples: []sample{{}, {lost: "1 of 2"}}}}
	if err := errors.Join(losses(&workload.Case{Slug: "post"}, rows)...); err == nil || err.Error() != "post: ours: 1 of 2" {
		t.Errorf("got %v", err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	us := func(cpu ...int) (ss []sample) {
		for _, n := range cpu {
			ss = append(ss, sample{cpu: time.Duration(n) * time.Microsecond, p99: time.Millisecond, rate: 10})
		}
		return ss
	}
	var b strings.Builder
	if err := table(&b, "title", []row{{"bare", "", us(10, 20, 10)}, {"ours", "note", us(15, 40, 12)}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	b.Reset()
	err := summary(&b, []measured{{"case", []row{{"bare", "", us(10, 20, 10)}, {"ours", "note", us(15, 40, 12)}}}})
	if want := "\n| CPU per request, × bare | bare, µs | ours |\n|---|---|---|\n| case | 10 | 1.50 |\n"; err != nil || b.String() != want {
		t.Errorf("error %v, got %s", err, b.String())
	}
	if want := "ours 15.00 1.50 (1.20 … 2.00) 1.00 10 note"; got[len(got)-1] != want {
		t.Errorf("got %q, want %q", got[len(got)-1], want)
	}
}
