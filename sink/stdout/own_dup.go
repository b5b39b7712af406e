//go:build linux || darwin

package stdoutsink

import (
	"os"
	"syscall"
)

// ownOutput returns a descriptor of its own of the process's standard output or error,
// nil for any other file or if there can be none. Where nobody reads on, a write to
// descriptors 1 and 2 ends a Go program by SIGPIPE (os/signal), and one to any other is
// an error: a service must not end with the reader of its log.
func ownOutput(f *os.File) *os.File {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	own := -1
	err = conn.Control(func(fd uintptr) {
		if fd == 1 || fd == 2 {
			syscall.ForkLock.RLock() // until no child inherits it
			if own, err = syscall.Dup(int(fd)); err != nil {
				own = -1
			} else {
				syscall.CloseOnExec(own)
			}
			syscall.ForkLock.RUnlock()
		}
	})
	if err != nil || own < 0 {
		return nil
	}
	return os.NewFile(uintptr(own), f.Name())
}
