package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// TestMain is the writer that the program starts beside itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-role" {
		if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// It runs to its end, small, and finds all that it wrote.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), []string{"-entries", "3000", "-sqlite", "1000", "-lookups", "20", "-cold", "0", "-dir", t.TempDir()}, &out); err != nil {
		t.Fatalf("%v, after\n%s", err, out.String())
	}
	for _, want := range []string{"look-up by txid, warm", "find --failed --user over a day", "SQLite, 1000 entries", "halve the folder"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing about %q in\n%s", want, out.String())
		}
	}
}

func TestRunRefuses(t *testing.T) {
	if err := run(context.Background(), []string{"-entries", "5"}, os.Stdout); err == nil {
		t.Error("five entries are accepted")
	}
}
