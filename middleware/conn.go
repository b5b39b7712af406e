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
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return &connContext{Context: ctx}
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
