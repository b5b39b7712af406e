package middleware_test

import (
	"syscall"
	"time"
	"unsafe"
)

// threadCPU is the time that the calling thread has run: on a machine shared with
// others the only clock that two runs agree on. (getrusage, which package syscall
// has, counts in ticks of milliseconds.)
func threadCPU() time.Duration {
	const clockThreadCPUTimeID = 3
	var ts syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPUTimeID, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return 0
	}
	return time.Duration(ts.Nano())
}
