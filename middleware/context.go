package middleware

import (
	"context"
	"net/http"

	"github.com/txtrail/txtrail/txid"
)

// SetRoute names the route pattern of ctx's exchange: "/items/{id}". It is for
// routers other than [net/http.ServeMux], whose patterns are found without it.
// Without an exchange in ctx, and once its handler has returned, this and the
// functions below do nothing. They are safe for concurrent use. What [SetUser],
// [SetError] and [Annotate] say when the handler has taken the connection (a WebSocket)
// is in the connection's own entry, up to when that is closed.
func SetRoute(ctx context.Context, route string) {
	if r := recorderOf(ctx); r != nil {
		r.SetRoute(route)
	}
}

// SetUser names the user of ctx's exchange, overruling what was carried. The
// value may be a keyed token.
func SetUser(ctx context.Context, id string) {
	if r := recorderOf(ctx); r != nil {
		r.SetUser(id)
	}
}

// SetError records why ctx's exchange failed, beside what its status says. The
// last call wins; a nil error is ignored. The entry's error.type is the error's Go
// type, unless an error in its tree names another by a method ErrorType() string.
func SetError(ctx context.Context, err error) {
	if r := recorderOf(ctx); r != nil {
		r.SetError(err)
	}
}

// SetPanic records that ctx's handler panicked with v, for whoever recovers a panic
// before it comes to the middleware, as frameworks do. trace is the panic's stack,
// as [runtime/debug.Stack] writes it; nil means that the caller is the deferred
// function that recovered, whose stack is it. The last call wins; a v that is nil or
// [http.ErrAbortHandler] is ignored. When the handler has taken the connection, each
// panic has an entry of its own.
func SetPanic(ctx context.Context, v any, trace []byte) {
	if v == nil || v == http.ErrAbortHandler {
		return
	}
	if r, ok := recorderOf(ctx).(*recorder); ok {
		r.setPanic(v, trace)
	}
}

// Annotate adds a label to ctx's exchange. At most [entry.MaxLabels] are kept, the
// first of each name; names and values are cut to the entry package's bounds.
func Annotate(ctx context.Context, name, value string) {
	if r := recorderOf(ctx); r != nil {
		r.Annotate(name, value)
	}
}

func recorderOf(ctx context.Context) txid.Recorder {
	if s, ok := txid.FromContext(ctx); ok {
		return s.Recorder
	}
	return nil
}
