package interop

import (
	"bytes"
	"context"
	"net"
	"sync"
)

// meter counts what goes over a client's connections, beneath everything else.
type meter struct {
	mu    sync.Mutex
	conns []*metered
}

// dial is for net/http's and gorilla's dialers.
func (m *meter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	mc := &metered{Conn: c}
	m.mu.Lock()
	m.conns = append(m.conns, mc)
	m.mu.Unlock()
	return mc, nil
}

// flow is one direction of a connection that begins with a head of HTTP.
type flow struct {
	head []byte // as much of it as has come, with the empty line
	size int64  // what came after the head
}

func (f *flow) add(p []byte) {
	if whole := bytes.HasSuffix(f.head, []byte("\r\n\r\n")); whole {
		f.size += int64(len(p))
		return
	}
	all := append(f.head, p...)
	end := bytes.Index(all, []byte("\r\n\r\n"))
	if end < 0 {
		f.head = all
		return
	}
	f.head, f.size = bytes.Clone(all[:end+4]), int64(len(all)-end-4)
}

// metered is a connection with its bytes counted, each direction from the end of its
// head on.
type metered struct {
	net.Conn
	mu       sync.Mutex
	sent     flow
	received flow
}

// Read implements [net.Conn].
func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.received.add(p[:n])
	c.mu.Unlock()
	return n, err
}

// Write implements [net.Conn].
func (c *metered) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	c.sent.add(p[:n])
	c.mu.Unlock()
	return n, err
}

// count is what a connection's two directions have carried, in bytes, and how long
// the answer's head was.
type count struct{ sent, received, head int64 }

func (m *meter) counts() []count {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []count
	for _, c := range m.conns {
		c.mu.Lock()
		all = append(all, count{c.sent.size, c.received.size, int64(len(c.received.head))})
		c.mu.Unlock()
	}
	return all
}
