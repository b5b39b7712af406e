//go:build linux || darwin || freebsd

package journalsink

import "golang.org/x/sys/unix"

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
