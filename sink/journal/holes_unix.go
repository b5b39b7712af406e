//go:build linux || darwin || freebsd

package journalsink

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// seekData asks for the next byte that is not in a hole. It moves the place that
// [os.File.Read] reads from, which nobody here does.
func seekData(f *os.File, at int64) int64 {
	next, err := f.Seek(at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return math.MaxInt64
	case err != nil:
		return at // a file system that does not know
	}
	return max(at, next)
}
