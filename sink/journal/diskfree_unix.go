//go:build linux || darwin || freebsd

package journalsink

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// diskFree returns what an ordinary user may still write, and the disk's size, in
// bytes.
func diskFree(dir string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	block := uint64(st.Bsize)
	if st.Bavail > 0 {
		free = uint64(st.Bavail) * block
	}
	return free, uint64(st.Blocks) * block, nil
}

// diskSize returns what a file takes on the disk, in bytes: less than it has, where it has
// holes. What is written and has no place on the disk yet counts too.
func diskSize(st fs.FileInfo) int64 {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok || st.Size() <= inInode { // which may be in its inode
		return st.Size()
	}
	if s.Blocks == 0 { // all of it is a hole, or the file system does not say, as some in user space
		return min(st.Size(), DefaultMaxFileBytes)
	}
	return min(st.Size(), int64(s.Blocks)*512)
}

const inInode = 64 << 10
