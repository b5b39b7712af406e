package middleware

import (
	"context"

	"github.com/txtrail/txtrail/txid"
)

// SetRoute names the route pattern of ctx's exchange: "/items/{id}". It is for
// routers other than [net/http.ServeMux], whose patterns are found without it.
// Without an exchange in ctx, and once its handler has returned, this and the
// functions below do nothing. They are safe for concurrent use.
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
// last call wins; a nil error is ignored.
func SetError(ctx context.Context, err error) {
	if r := recorderOf(ctx); r != nil {
		r.SetError(err)
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
