package middleware

import "syscall"

// errnoConn are Winsock's error numbers of a connection that was reset or died. Package
// syscall's names of the Unix ones are invented numbers on Windows and never come from a
// socket (learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2):
// WSAECONNRESET, ECONNABORTED, ESHUTDOWN, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN.
var errnoConn = []syscall.Errno{10054, 10053, 10058, 10060, 10065, 10051, 10050}
