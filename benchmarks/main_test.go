package main

import (
	"bytes"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
)

// A short run measures every case with every contestant; that none loses a request
// is checked by the run itself.
func TestRun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the clocks are Linux's")
	}
	var out bytes.Buffer
	profile := filepath.Join(t.TempDir(), "cpu")
	if err := run([]string{"-n", "300", "-rounds", "1", "-case", "all", "-cpuprofile", profile}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, c := range contestant.Servers() {
		if n := strings.Count(out.String(), "\n"+c.Name+" "); n < 7 {
			t.Errorf("%d lines for %s:\n%s", n, c.Name, out.String())
		}
	}
	for _, c := range contestant.Transports() {
		if n := strings.Count(out.String(), "\n"+c.Name+" "); n < 2 {
			t.Errorf("%d lines for %s:\n%s", n, c.Name, out.String())
		}
	}
}

// Large bodies fit into the queue, since requests wait for it in time.
func TestLargeBodies(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the clocks are Linux's")
	}
	args := []string{"-n", "60000", "-rounds", "1", "-only", "bare,discard", "-size", "65536"}
	if err := run(args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"-n", "0"},
		{"-rounds", "0"},
		{"-size", "5"},
		{"x"},
		{"-nosuch"},
		{"-case", "nosuch"},
		{"-only", "nosuch"},
		{"-cpuprofile", filepath.Join(t.TempDir(), "no", "such")},
	} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	at := func(path, process time.Duration) []sample { return []sample{{path: path, process: process}} }
	var b bytes.Buffer
	err := summary(&b, []measured{
		{"one", []row{{"bare", "", at(100, 100)}, {"a", "", at(2140, 12_345_678)}, {"b", "", at(0, 100)}}},
		{"two", []row{{"bare", "", at(0, 0)}, {"b", "", at(50_000, 10)}}},
	})
	if want := `
| added, µs: path / process | a | b |
|---|---|---|
| one | 2.0 / 12,346 | -0.1 / 0.0 |
| two | – | 50 / 0.0 |
`; err != nil || b.String() != want {
		t.Errorf("error %v, got %s", err, b.String())
	}
}

func TestMedian(t *testing.T) {
	ss := []sample{{path: 5, allocs: 1}, {path: 1, allocs: 9}, {path: 3, allocs: 2}}
	m := middle(ss)
	low, high := spread(ss)
	if m.path != 3 || m.allocs != 2 || low != time.Duration(1) || high != time.Duration(5) {
		t.Errorf("%+v, %v, %v", m, low, high)
	}
}
