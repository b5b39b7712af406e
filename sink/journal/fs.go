package journalsink

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// errLocked is returned by file.Lock when another open file holds the lock.
var errLocked = errors.New("journalsink: locked by another process")

// fsys is what the writing side asks of a file system.
type fsys interface {
	MkdirAll(dir string, perm fs.FileMode) error
	// Mkdir makes a folder unless it is there; its parent must be.
	Mkdir(dir string, perm fs.FileMode) error
	// Create makes a new file for appending; it must not exist.
	Create(path string, perm fs.FileMode) (file, error)
	// Open opens a regular file, not following a link, for reading and locking
	// (some network file systems lock only what may be written).
	Open(path string) (file, error)
	// Append opens a regular file, not following a link, for reading, locking and
	// appending, and makes it if it is not there.
	Append(path string, perm fs.FileMode) (file, error)
	ReadDir(dir string) ([]fs.DirEntry, error)
	Lstat(path string) (fs.FileInfo, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
	// Free returns the bytes that are free to us, and the size of the disk.
	Free(dir string) (free, total uint64, err error)
}

// file is an open file of the writing side.
type file interface {
	io.Writer
	io.ReaderAt
	dataFinder
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	// Lock takes the exclusive advisory lock, or returns errLocked at once. The
	// lock goes with Close, or with the process.
	Lock() error
	// Linked reports whether the file still has a name, cheaply, as far as the
	// system can tell.
	Linked() bool
	// There reports whether the path under which the file was made still names it,
	// cheaply, as far as the system can tell: each write asks. One goroutine at a time
	// may.
	There() bool
	// Named reports whether path still names this file.
	Named(path string) bool
	Close() error
}

// osFS is the real one.
type osFS struct{}

func (osFS) MkdirAll(dir string, perm fs.FileMode) error {
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, perm.Perm()); err != nil {
		return err
	}
	if perm&os.ModeSetgid != 0 {
		return os.Chmod(dir, perm) // mkdir(2) does not take the bit
	}
	return nil
}

func (osFS) Mkdir(dir string, perm fs.FileMode) error {
	if err := makeFolder(dir, perm); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (osFS) Create(path string, perm fs.FileMode) (file, error) {
	f, err := createFile(path, os.O_RDWR|os.O_APPEND, perm)
	if err != nil {
		return nil, err
	}
	if perm&0o077 != 0 {
		// A folder that is shared by choice must not hang on the umask.
		if err := f.Chmod(perm); err != nil {
			_ = f.Close()
			_ = os.Remove(path)
			return nil, err
		}
	}
	return osFile{f, newPlaced(f, path)}, nil
}

func (osFS) Open(path string) (file, error) {
	f, err := openRegular(path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	return osFile{File: f}, nil
}

func (o osFS) Append(path string, perm fs.FileMode) (file, error) {
	f, err := openRegular(path, os.O_RDWR|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		return o.Create(path, perm)
	}
	if err != nil {
		return nil, err
	}
	return osFile{File: f}, nil
}

func (osFS) ReadDir(dir string) ([]fs.DirEntry, error) { return readDir(dir) }
func (osFS) Lstat(path string) (fs.FileInfo, error)    { return os.Lstat(path) }
func (osFS) Rename(from, to string) error              { return os.Rename(from, to) }
func (osFS) Remove(path string) error                  { return os.Remove(path) }
func (osFS) SyncDir(dir string) error                  { return syncDir(dir) }
func (osFS) Free(dir string) (uint64, uint64, error)   { return diskFree(dir) }

type osFile struct {
	*os.File
	placed *placed // of one that was made here
}

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (f osFile) Sync() error             { return dataSync(f.File) }
func (f osFile) Lock() error             { return lockFile(f.File) }
func (f osFile) Linked() bool            { return linked(f.File) }
func (f osFile) NextData(at int64) int64 { return seekData(f.File, at) }

func (f osFile) There() bool {
	if f.placed == nil {
		return f.Linked()
	}
	return f.placed.there()
}

func (f osFile) Named(path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

// readDir lists a folder without sorting it.
func readDir(dir string) ([]fs.DirEntry, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return d.ReadDir(-1)
}

// openRegular opens a regular file. Links are not followed, and a named pipe does
// not make it wait.
func openRegular(path string, mode int) (*os.File, error) {
	f, err := os.OpenFile(path, mode|openFlags, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: filepath.Base(path), Err: ErrForeign}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
