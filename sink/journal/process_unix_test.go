//go:build !windows

package journalsink

import (
	"os"
	"syscall"
	"testing"
)

func stopProcess(t *testing.T, p *os.Process)     { sendSignal(t, p, syscall.SIGSTOP) }
func continueProcess(t *testing.T, p *os.Process) { sendSignal(t, p, syscall.SIGCONT) }

func sendSignal(t *testing.T, p *os.Process, s syscall.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}
