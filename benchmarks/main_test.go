package main

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A short run measures every contestant; that none loses a request is checked by
// the run itself.
func TestRun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the clocks are Linux's")
	}
	var out bytes.Buffer
	if err := run([]string{"-n", "300", "-rounds", "1"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, c := range contestants() {
		if !strings.Contains(out.String(), "\n"+c.name+" ") {
			t.Errorf("no line for %s:\n%s", c.name, out.String())
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{{"-n", "1"}, {"-rounds", "0"}, {"-size", "5"}, {"x"}, {"-nosuch"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestPayload(t *testing.T) {
	for _, size := range []int{200, 1024, 65536} {
		b := payload(size)
		if !json.Valid(b) || len(b) < size || len(b) > size+60 {
			t.Errorf("%d bytes for %d: %s", len(b), size, b)
		}
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
