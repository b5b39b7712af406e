package gcltest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// MemoryEndpoint is the endpoint of a client that dials a [Memory].
const MemoryEndpoint = "passthrough:///memory"

// Memory is a network in memory with one address. What waits for it waits for nothing
// outside of the process, so that a service, its clients, their timeouts and pauses can
// live in a bubble of testing/synctest, where an hour takes no time. The zero Memory is
// ready.
type Memory struct {
	mu    sync.Mutex
	l     *bufconn.Listener
	conns []*memoryConn
}

// memoryConn is a client's end of a connection.
type memoryConn struct {
	net.Conn
	mute atomic.Bool
}

// Read implements [net.Conn].
func (c *memoryConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.mute.Load() {
			return n, err
		}
	}
}

// Write implements [net.Conn].
func (c *memoryConn) Write(b []byte) (int, error) {
	if c.mute.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Mute lets the connections that there are carry nothing more, without a word: as where
// a machine slept, or a router forgot them. New ones work.
func (m *Memory) Mute() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		c.mute.Store(true)
	}
	m.conns = nil
}

// Listen takes the address: it is an [Options.Listen].
func (m *Memory) Listen() (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.l = bufconn.Listen(256 << 10)
	return m.l, nil
}

// Dial connects to who listens. Before, and when it has closed, nobody does.
func (m *Memory) Dial(ctx context.Context, _ string) (net.Conn, error) {
	m.mu.Lock()
	l := m.l
	m.mu.Unlock()
	if l == nil {
		return nil, errors.New("gcltest: nobody listens")
	}
	c, err := l.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	mc := &memoryConn{Conn: c}
	m.mu.Lock()
	m.conns = append(m.conns, mc)
	m.mu.Unlock()
	return mc, nil
}

// Option makes a client of [MemoryEndpoint] use the network.
func (m *Memory) Option() option.ClientOption {
	return option.WithGRPCDialOption(grpc.WithContextDialer(m.Dial))
}
