//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package journalsink

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openFlags: O_NOFOLLOW refuses a link as the last part of a path, O_NONBLOCK keeps
// the opening of a named pipe from waiting for its other end.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// trustFolderTimes: a folder's time of change changes with every name in it.
const trustFolderTimes = true

// removesOpen: a file can lose its name while it is open.
const removesOpen = true

// lockFile takes flock(2): it belongs to the open file, not to the process (as
// fcntl's would), so two journals of one process exclude each other as well.
func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		}
		return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
	}
}

// linked looks at the link count, which is 0 once the last name is gone.
func linked(f *os.File) bool {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return true
	}
	return st.Nlink > 0
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
