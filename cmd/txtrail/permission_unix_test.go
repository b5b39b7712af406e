//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Permissions do not bind root, under which tests run in many a container: the
// command runs as nobody there, from a place that nobody may reach.
func TestAFolderThatMayNotBeRead(t *testing.T) {
	home := t.TempDir()
	program := filepath.Join(home, "txtrail")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home, "trail")
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(program, "show", "0197a3c2", "-s", dir)
	cmd.Dir = "/"
	cmd.Env = []string{"HOME=/"}
	cmd.Stderr = &stderr
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		for _, d := range []string{filepath.Dir(home), home} {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) {
		t.Fatalf("%v; want exit status %d (TMPDIR must be a folder that every user can reach)", err, exitPermission)
	}
	if exit.ExitCode() != exitPermission || !strings.Contains(stderr.String(), dir) {
		t.Errorf("status %d, %s", exit.ExitCode(), stderr.String())
	}
}
