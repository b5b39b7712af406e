package txid

import "context"

// Origin says where a Scope's ID came from.
type Origin string

// The origins. An accepted ID's origin names the place it was read from, as
// "header:X-Transaction-Id", "query:txid" or "cookie:txid".
const (
	OriginMinted Origin = "minted" // this process minted it: the first hop
)

// Scope is what travels in a context: which scenario this is, which exchange
// within it, and what is known of the user. It is made by [Propagator.Extract]
// and its like, and must not be changed once it is in a context.
type Scope struct {
	ID      ID
	Origin  Origin
	Refused string // an ID that was brought but not accepted, shortened and escaped, with the reason
	Span    SpanID // this exchange
	Parent  SpanID // the exchange that caused it, in this or another process; zero for a first hop
	Trace   Trace  // the incoming trace context, if any
	Carried Carried
	// EntryPage is the page by which the user came in: "GET /items". The first
	// hop sets it from its own route, later hops get it carried. Empty while a
	// first hop's route is not known yet.
	EntryPage string
	// Recorder is the exchange being recorded, nil where none is. It lets a
	// router deep inside name the route although the request was cloned on the
	// way (http.Request.Pattern is set on the clone alone).
	Recorder Recorder
}

// Recorder takes what only the handler knows about the exchange being recorded.
// Methods are safe for concurrent use and do nothing once the exchange's entry
// has been handed over; of a connection that its handler has taken, once that is
// closed.
type Recorder interface {
	// SetRoute names the route pattern: "/items/{id}".
	SetRoute(route string)
	// EntryPage returns this exchange's own method and route, or path while the
	// route is not known, as the page by which the user came in: "GET /items".
	EntryPage() string
	// SetUser names the user. The value may be a keyed token.
	SetUser(id string)
	// SetError records why the exchange failed, beside what its status says.
	SetError(err error)
	// Annotate adds a label. At most 32 are kept; names and values are bounded
	// by the entry package's limits.
	Annotate(name, value string)
}

type contextKey struct{}

type scopeContext struct {
	context.Context
	scope *Scope
}

func (c *scopeContext) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c.scope
	}
	return c.Context.Value(key)
}

// NewContext returns a context that carries s. One allocation.
func NewContext(ctx context.Context, s *Scope) context.Context {
	return &scopeContext{ctx, s}
}

// FromContext returns the Scope of ctx and whether there is one. The Scope is
// shared: read it only.
func FromContext(ctx context.Context) (*Scope, bool) {
	s, ok := ctx.Value(contextKey{}).(*Scope)
	return s, ok && s != nil
}

// IDFromContext returns the ID of ctx, or "" where there is none: what an error
// page or a log line wants.
func IDFromContext(ctx context.Context) ID {
	if s, ok := FromContext(ctx); ok {
		return s.ID
	}
	return ""
}
