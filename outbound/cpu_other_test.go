//go:build !linux

package outbound_test

import "time"

func threadCPU() time.Duration { return 0 }
