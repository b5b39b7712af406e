package outbound

import "syscall"

// Winsock's error numbers behind a failure, by kind. Package syscall's names of
// the Unix ones are invented numbers on Windows and never come from a socket
// (learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2).
var (
	errnoRefused     = []syscall.Errno{10061}                             // WSAECONNREFUSED
	errnoUnreachable = []syscall.Errno{10065, 10051, 10050, 10064, 10049} // WSAEHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL
	errnoReset       = []syscall.Errno{10054, 10053, 10058}               // WSAECONNRESET, WSAECONNABORTED, WSAESHUTDOWN
)
