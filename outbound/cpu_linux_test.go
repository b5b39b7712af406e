package outbound_test

import (
	"syscall"
	"time"
)

// threadCPU is the time that the calling thread has run: on a machine shared with
// others the only clock that two runs agree on.
func threadCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(1 /* RUSAGE_THREAD */, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
