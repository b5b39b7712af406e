package main

import (
	"os"
	"testing"
)

// TestMain lets the test binary stand in for the command, which runs itself again
// for each of its services.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-role" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
