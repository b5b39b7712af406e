package main

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// listen listens on a free port. With a buffer, connections can take so many bytes
// before the client reads any: how a file is cut into system calls then depends on the
// server alone. It takes the privilege to set it (CAP_NET_ADMIN).
func listen(buffer int) (net.Listener, error) {
	var lc net.ListenConfig
	if buffer > 0 {
		lc.Control = func(_, _ string, c syscall.RawConn) error {
			var set error
			err := c.Control(func(fd uintptr) {
				set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, buffer) //nolint:gosec // a descriptor is an int
			})
			if err != nil {
				return err
			}
			return set
		}
	}
	return lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
}
