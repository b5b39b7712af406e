//go:build !windows

package middleware_test

import "syscall"

const connReset, connTimedOut = syscall.ECONNRESET, syscall.ETIMEDOUT
