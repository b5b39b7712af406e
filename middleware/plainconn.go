package middleware

import (
	"context"
	"net"
	"reflect"
)

// unixConn is a connection over a Unix socket, counted.
type unixConn struct {
	*net.UnixConn
	s   *stream
	ctx context.Context // the request's
}

// Read, Write and Close are those of [net.UnixConn], counted.
func (c *unixConn) Read(p []byte) (int, error) {
	n, err := c.UnixConn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *unixConn) Write(p []byte) (int, error) {
	n, err := c.UnixConn.Write(p)
	c.s.wrote(p, n)
	return n, err
}

func (c *unixConn) Close() error {
	err := c.UnixConn.Close()
	c.s.end(c.ctx)
	return err
}

// plainConn is a connection of a listener that bounds how many there are, counted.
type plainConn struct {
	net.Conn
	s   *stream
	ctx context.Context // the request's
}

// plain reports whether conn is one of netutil.LimitListener's, which can do what a
// [net.Conn] can and nothing else, and whose type nobody can name. A handler may look for
// any other type, or for a field in it.
func plain(conn net.Conn) bool {
	t := reflect.TypeOf(conn)
	if t == nil || t.NumMethod() != reflect.TypeFor[net.Conn]().NumMethod() {
		return false
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "golang.org/x/net/netutil"
}

// Read, Write and Close are those of the connection, counted.
func (c *plainConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *plainConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.s.wrote(p, n)
	return n, err
}

func (c *plainConn) Close() error {
	err := c.Conn.Close()
	c.s.end(c.ctx)
	return err
}
