// Package tcpsent asks the kernel how much has been written to a TCP connection.
//
// A wrapper around a connection counts what goes through its Write. But [net.Buffers],
// by which WebSocket libraries send large messages, find the connection inside of it by
// an unexported method, and write to it under one lock and by one system call. To keep
// them from it would cost just that.
package tcpsent
