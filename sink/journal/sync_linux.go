package journalsink

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// dataSync is fdatasync(2), which leaves out the times of the file: nobody needs
// them after a power failure. Another goroutine may close the file meanwhile.
func dataSync(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var syncErr error
	err = conn.Control(func(fd uintptr) {
		for {
			syncErr = unix.Fdatasync(int(fd))
			if !errors.Is(syncErr, unix.EINTR) {
				return
			}
		}
	})
	if err == nil && syncErr != nil {
		err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: syncErr}
	}
	return err
}
