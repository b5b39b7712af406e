package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the CPU time of the calling thread, processTime that of all.
func threadTime() (time.Duration, error)  { return cpu(unix.CLOCK_THREAD_CPUTIME_ID) }
func processTime() (time.Duration, error) { return cpu(unix.CLOCK_PROCESS_CPUTIME_ID) }

func cpu(clock int32) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}
