//go:build !windows && !plan9

package middleware

import "syscall"

// errnoConn are the error numbers of a connection that was reset or died. EPIPE is not
// among them: see connFailed.
var errnoConn = []syscall.Errno{
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
}
