package journalsink

import (
	"errors"
	"io/fs"
	"os"
)

// errLooking is what changing something fails with for who only looks.
var errLooking = errors.New("journalsink: this only looks")

// lookFS is the file system of who only looks: a member of the group that may read, or
// anybody on a disk that is mounted read-only. It opens for reading alone, and changes
// nothing.
type lookFS struct{ osFS }

func (lookFS) Open(path string) (file, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return osFile{File: f}, nil
}

func (lookFS) MkdirAll(string, fs.FileMode) error       { return errLooking }
func (lookFS) Mkdir(string, fs.FileMode) error          { return errLooking }
func (lookFS) Create(string, fs.FileMode) (file, error) { return nil, errLooking }
func (lookFS) Append(string, fs.FileMode) (file, error) { return nil, errLooking }
func (lookFS) Rename(string, string) error              { return errLooking }
func (lookFS) Remove(string) error                      { return errLooking }
func (lookFS) SyncDir(string) error                     { return errLooking }
