//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package journalsink

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What root makes in a folder belongs to whom the folder belongs: one `sudo txtrail ship`
// must not leave a cursor behind that the service may not read, which would then ship
// nothing ever again. Nothing here follows a link, nor goes by a name twice: the folder is
// opened once, the file is made in what was opened, and given away by its descriptor.
// Where that fails, as in a container without the right to it, the file stays root's.

// createFile makes a new file.
func createFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	if os.Geteuid() != 0 {
		return os.OpenFile(path, flag|os.O_CREATE|os.O_EXCL, perm)
	}
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	f, err := dir.OpenFile(filepath.Base(path), flag|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, atPath(err, path)
	}
	give(dir, f)
	return f, nil
}

// makeFolder makes a new folder.
func makeFolder(path string, perm fs.FileMode) error {
	if os.Geteuid() != 0 {
		if err := os.Mkdir(path, perm.Perm()); err != nil {
			return err
		}
		if perm&os.ModeSetgid != 0 {
			return os.Chmod(path, perm) // mkdir(2) does not take the bit
		}
		return nil
	}
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Mkdir(filepath.Base(path), perm.Perm()); err != nil {
		return atPath(err, path)
	}
	f, err := dir.OpenFile(filepath.Base(path), os.O_RDONLY|openFlags, 0)
	if err != nil {
		return atPath(err, path)
	}
	defer func() { _ = f.Close() }()
	// The folder's owner may have put another one in its place: an empty one is as good,
	// and no other is given away.
	if _, err := f.Readdirnames(1); !errors.Is(err, io.EOF) {
		return nil
	}
	give(dir, f)
	if perm&os.ModeSetgid != 0 {
		return f.Chmod(perm)
	}
	return nil
}

// give gives what root has made in a folder to the folder's owner.
func give(dir *os.Root, f *os.File) {
	st, err := dir.Stat(".")
	if err != nil {
		return
	}
	if own, ok := st.Sys().(*syscall.Stat_t); ok && own.Uid != 0 {
		_ = f.Chown(int(own.Uid), int(own.Gid))
	}
}

// atPath puts the whole path into an error that knows the last part alone.
func atPath(err error, path string) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return &fs.PathError{Op: at.Op, Path: path, Err: at.Err}
	}
	return err
}
