package middleware

import (
	"context"
	"net"
	"sync/atomic"
)

// ConnContext is for http.Server.ConnContext. With it, entries of requests that
// came over a connection that had one before carry the flag entry.FlagReused; a handler
// alone can not know.
//
//	server := &http.Server{Handler: wrap(mux), ConnContext: middleware.ConnContext}
//
// A server has one such function. Where it has one of its own already, [WithConnContext]
// keeps both; or that function calls this one.
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return &connContext{Context: ctx}
}

// WithConnContext returns own and [ConnContext] as one function, for a server that has an
// own one. Nil is none.
//
//	server.ConnContext = middleware.WithConnContext(server.ConnContext)
func WithConnContext(own func(context.Context, net.Conn) context.Context) func(context.Context, net.Conn) context.Context {
	if own == nil {
		return ConnContext
	}
	return func(ctx context.Context, conn net.Conn) context.Context {
		if ctx = own(ctx, conn); ctx == nil {
			return nil // the server says what that is
		}
		return ConnContext(ctx, conn)
	}
}

// connContext marks a connection.
type connContext struct {
	context.Context
	used atomic.Bool
}

// Value implements [context.Context].
func (c *connContext) Value(key any) any {
	if _, ok := key.(nestedKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// reused reports whether it has been asked before. A nil c does not know.
func (c *connContext) reused() bool {
	return c != nil && c.used.Swap(true)
}
