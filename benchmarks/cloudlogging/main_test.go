package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test's program be the server, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-serve" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// It runs and names everyone; the figures are for who looks at them.
func TestRun(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"-rounds", "1", "-entries", "500"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	for _, c := range contestants {
		if !strings.Contains(out.String(), c.name) {
			t.Errorf("%s is not in the table:\n%s", c.name, &out)
		}
	}
	for _, row := range []string{"on the wire", "k8s_container", "USD a million"} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("%s is not in it:\n%s", row, &out)
		}
	}
	if code := run([]string{"-nonsense"}, &out, &errs); code != 2 {
		t.Errorf("a flag that is none gives %d", code)
	}
}
