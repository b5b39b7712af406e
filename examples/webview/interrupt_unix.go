//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ignoreInterrupt keeps a terminal's Ctrl-C from the child, which is stopped by its
// parent in order: it gets a process group of its own.
func ignoreInterrupt(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
