//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package journalsink

import (
	"io/fs"
	"os"
)

// createFile makes a new file. Whose it is, and who may read it, is the folder's business
// here.
func createFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag|os.O_CREATE|os.O_EXCL, perm)
}

// makeFolder makes a new folder.
func makeFolder(path string, perm fs.FileMode) error { return os.Mkdir(path, perm.Perm()) }
