package middleware_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadCPU is the time that the calling thread has run: on a machine shared with
// others the only clock that two runs agree on. (Its resource usage is counted in
// ticks.)
func threadCPU() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
