//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txtrail/txtrail/query/querytest"
)

// nobody is the command run by a user who has no rights.
type nobody struct {
	program, home string
}

// Permissions do not bind root, under which tests run in many a container: the
// command runs as nobody there, from a place that nobody may reach.
func newNobody(t *testing.T) *nobody {
	n := &nobody{home: t.TempDir()}
	n.program = filepath.Join(n.home, "txtrail")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		for _, d := range []string{filepath.Dir(n.home), n.home} {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

// denied runs a command that must end with the status of a permission, and returns
// what it says.
func (n *nobody) denied(t *testing.T, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, n.program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"HOME=/"}
	cmd.Stderr = &stderr
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) {
		t.Fatalf("%v; want exit status %d (TMPDIR must be a folder that every user can reach)", err, exitPermission)
	}
	if exit.ExitCode() != exitPermission {
		t.Errorf("%v: status %d, %s", args, exit.ExitCode(), stderr.String())
	}
	return stderr.String()
}

func TestAFolderThatMayNotBeRead(t *testing.T) {
	n := newNobody(t)
	dir := filepath.Join(n.home, "trail")
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"show", "0197a3c2", "-s", dir},
		{"ship", dir, "--to", "journal:" + filepath.Join(n.home, "far")},
		{"reship", "-s", dir},
		{"doctor", "-s", dir},
	} {
		if said := n.denied(t, args...); !strings.Contains(said, dir) {
			t.Errorf("%v: %s", args, said)
		}
	}
}

// What was shipped is written down in the folder: where it can not be, the command
// says so at once instead of trying for ever.
func TestShipFromAFolderThatMayNotBeWritten(t *testing.T) {
	n := newNobody(t)
	dir, far := filepath.Join(n.home, "trail"), filepath.Join(n.home, "far")
	if err := store(dir, querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(far, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(far, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if err := os.Chmod(f, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	said := n.denied(t, "ship", dir, "--to", "journal:"+far)
	if !strings.Contains(said, dir) || !strings.Contains(said, "nothing can be shipped") {
		t.Error(said)
	}
}
