package gcltest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// wireCount adds up what comes in.
type wireCount struct {
	wire, plain atomic.Int64
}

func (w *wireCount) total() (wire, plain int64) { return w.wire.Load(), w.plain.Load() }

// TagRPC implements [stats.Handler].
func (w *wireCount) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements [stats.Handler].
func (w *wireCount) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		w.wire.Add(int64(in.WireLength))
		w.plain.Add(int64(in.Length))
	}
}

// TagConn implements [stats.Handler].
func (w *wireCount) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements [stats.Handler].
func (w *wireCount) HandleConn(context.Context, stats.ConnStats) {}

// connListener remembers its connections so that they can be cut.
type connListener struct {
	net.Listener
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// Accept implements [net.Listener].
func (l *connListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := &trackedConn{Conn: c, from: l}
	l.mu.Lock()
	l.open[t] = struct{}{}
	l.mu.Unlock()
	return t, nil
}

// cut closes every connection, as a network that goes away does.
func (l *connListener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.(*trackedConn).Conn.Close() // its reader sees the error
	}
}

type trackedConn struct {
	net.Conn
	from *connListener
}

// Close implements [net.Conn].
func (c *trackedConn) Close() error {
	c.from.mu.Lock()
	delete(c.from.open, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}
