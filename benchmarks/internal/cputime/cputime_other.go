//go:build !linux

package cputime

import (
	"errors"
	"time"
)

var errClock = errors.New("cputime: the CPU time of a thread is measured on Linux only")

// Thread fails here.
func Thread() (time.Duration, error) { return 0, errClock }

// Process fails here.
func Process() (time.Duration, error) { return 0, errClock }
