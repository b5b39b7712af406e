package middleware_test

import "syscall"

const connReset, connTimedOut = syscall.Errno(10054), syscall.Errno(10060)
