package journalsink

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// diskFree returns what this user may still write, and the disk's size, in bytes.
func diskFree(dir string) (free, total uint64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(path, &free, &total, nil)
	return free, total, err
}

func diskSize(st fs.FileInfo) int64 { return st.Size() }
