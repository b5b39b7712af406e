package journalsink

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// openFlags: there are none; openRegular's callers have seen from the folder's
// listing that the name is no link.
const openFlags = 0

// trustFolderTimes: NTFS may be late with a folder's time of change.
const trustFolderTimes = false

// removesOpen: a file that is open can not be removed.
const removesOpen = false

// lockFile locks one byte far behind the data: LockFileEx is mandatory for the
// bytes it covers, and readers must be able to read.
func lockFile(f *os.File) error {
	var at windows.Overlapped
	at.OffsetHigh = 1 << 30
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return errLocked
	}
	return &os.PathError{Op: "LockFileEx", Path: f.Name(), Err: err}
}

// linked: a file that is open can not be removed here.
func linked(*os.File) bool { return true }

// syncDir: NTFS journals its names; a folder can not be flushed.
func syncDir(string) error { return nil }
