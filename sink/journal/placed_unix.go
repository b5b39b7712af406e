//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package journalsink

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// placed knows the path under which a file was made. What it asks at each write allocates
// the path once more: these systems promise no system call but their C library's.
type placed struct {
	path   string
	id, st unix.Stat_t
}

// newPlaced returns nil where the system can not tell.
func newPlaced(f *os.File, path string) *placed {
	p := &placed{path: path}
	if err := unix.Fstat(int(f.Fd()), &p.id); err != nil {
		return nil
	}
	return p
}

// there reports whether the path leads to the file. It is not safe for concurrent use.
func (p *placed) there() bool {
	if err := unix.Lstat(p.path, &p.st); err != nil {
		return !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR)
	}
	return p.st.Dev == p.id.Dev && p.st.Ino == p.id.Ino
}
