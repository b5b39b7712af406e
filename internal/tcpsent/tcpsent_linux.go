package tcpsent

import (
	"net"

	"golang.org/x/sys/unix"
)

// Bytes returns how many bytes the process has written to c since it was connected,
// whether the other side has them yet or not; -1 where that is not known. It makes one
// system call. Kernels before 4.19 and some sandboxes do not tell and say 0.
func Bytes(c *net.TCPConn) int64 {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1
	}
	n := int64(-1)
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		// What was sent, less what was sent once more, and what still waits for its turn.
		n = int64(info.Bytes_sent-info.Bytes_retrans) + int64(info.Notsent_bytes)
	})
	if err != nil {
		return -1
	}
	return n
}
