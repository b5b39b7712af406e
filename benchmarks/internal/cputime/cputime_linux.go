package cputime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Thread is the CPU time of the calling thread, which must be locked.
func Thread() (time.Duration, error) { return read(unix.CLOCK_THREAD_CPUTIME_ID) }

// Process is the CPU time of all threads of this process, of the kernel's work for
// them too.
func Process() (time.Duration, error) { return read(unix.CLOCK_PROCESS_CPUTIME_ID) }

func read(clock int32) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}
