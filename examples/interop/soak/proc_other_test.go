//go:build !linux

package soak

import "time"

// What only Linux tells in a few lines is not looked at elsewhere.

func descriptors() int { return -1 }

func resident() int64 { return 0 }

func cpuTime() time.Duration { return 0 }
