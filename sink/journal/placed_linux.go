package journalsink

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// placed knows the path under which a file was made. It is asked at each write, which is not
// to allocate: the path and the answer have their place here, where os.Lstat and unix.Lstat
// would make room for both anew.
type placed struct {
	path []byte // ends in a NUL
	id   fileID
	st   unix.Statx_t
}

// fileID is what tells a file from others.
type fileID struct {
	ino          uint64
	major, minor uint32
}

// newPlaced returns nil where the system can not tell.
func newPlaced(f *os.File, path string) *placed {
	p := &placed{path: append([]byte(path), 0)}
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_INO, &p.st); err != nil {
		return nil
	}
	p.id = idOf(&p.st)
	return p
}

func idOf(st *unix.Statx_t) fileID { return fileID{st.Ino, st.Dev_major, st.Dev_minor} }

// there reports whether the path leads to the file. It is not safe for concurrent use.
func (p *placed) there() bool {
	at := unix.AT_FDCWD // a variable: as a constant it is no uintptr
	// No server is to be asked about sizes and times: only which file it is matters.
	_, _, errno := unix.Syscall6(unix.SYS_STATX, uintptr(at), uintptr(unsafe.Pointer(&p.path[0])),
		unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_DONT_SYNC, unix.STATX_INO, uintptr(unsafe.Pointer(&p.st)), 0)
	if errno != 0 {
		return !goneError(errno)
	}
	return idOf(&p.st) == p.id
}

// goneError reports whether an error says that a path leads nowhere. Any other, such as
// that a folder above must not be searched for now, says nothing of the file.
func goneError(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR)
}
