//go:build !linux && !darwin && !freebsd

package journalsink

import "os"

// seekData: this system does not say where the holes of a file are.
func seekData(_ *os.File, at int64) int64 { return at }
