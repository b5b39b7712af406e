package main

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var marker = regexp.MustCompile(`\[masked:[a-z-]+\]`)

// All contestants do the same: what they make of a page is equal, apart from the
// name of the rule in our markers. So the figures can be compared.
func TestSameWork(t *testing.T) {
	all, err := contests()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if !strings.HasPrefix(c.name, "JSON") {
			continue
		}
		for _, body := range c.bodies {
			sameWork(t, &c, body)
		}
	}
}

func sameWork(t *testing.T, c *contest, body []byte) {
	var want any
	for _, k := range c.all {
		out, err := k.mask(nil, body)
		if err != nil {
			t.Fatalf("%s: %s: %v", c.name, k.name, err)
		}
		if bytes.Contains(out, []byte("hunter2")) {
			t.Errorf("%s: %s: it leaks", c.name, k.name)
		}
		var got any
		dec := json.NewDecoder(bytes.NewReader(marker.ReplaceAll(out, []byte("[masked]"))))
		dec.UseNumber()
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("%s: %s: %v", c.name, k.name, err)
		}
		if want == nil {
			want = got
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s masks something else", c.name, k.name)
		}
	}
}

func TestTokens(t *testing.T) {
	all, err := contests()
	if err != nil {
		t.Fatal(err)
	}
	c := all[len(all)-1]
	for _, k := range c.all {
		out, err := k.mask(nil, c.bodies[0])
		if err != nil {
			t.Fatal(err)
		}
		want := "[masked:email]"
		if k.name == tokens {
			want = "[masked:email:t"
		}
		if n := bytes.Count(out, []byte(want)); n != addresses {
			t.Errorf("%s: %d markers", k.name, n)
		}
	}
}

// A short run prints a line for every contestant.
func TestRun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the clock is Linux's")
	}
	var out bytes.Buffer
	if err := run([]string{"-rounds", "1", "-time", "1us"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{keysOnly, allRules, walker, tokens, "beyond a mask", "free text"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-time", "0"}, {"x"}, {"-nosuch"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
