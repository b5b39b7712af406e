// Package contestant holds what is compared: ways to wrap a server's handler and a
// client's transport, ours and others', each set up as its users would.
package contestant

import "net/http"

// Contestant is one way to wrap a T.
type Contestant[T any] struct {
	Name string // for people
	Slug string // for command lines
	Note string // what it does and does not do
	// Start sets it up around inner.
	Start func(inner T) (*Running[T], error)
}

// Running is a contestant at work.
type Running[T any] struct {
	Wrapped T
	// Settle waits until what was served so far is dealt with.
	Settle func() error
	// Stop ends it and fails if fewer than served exchanges were recorded, or any was
	// dropped.
	Stop func(served int64) error
	// Clean removes what it left on the disk, after Stop.
	Clean func() error
}

// The slugs that others ask for.
const (
	Bare    = "bare"
	Again   = "bare-again"
	Discard = "discard"
	Journal = "journal"
	Otel    = "otelhttp"
	Httplog = "httplog"
	Naive   = "naive"
)

// Servers are the contestants around a handler. The bare one comes first, and once
// again: what differs between the two is the machine's noise.
func Servers() []Contestant[http.Handler] {
	return []Contestant[http.Handler]{
		{"bare handler", Bare, "", bare[http.Handler]},
		{"bare again", Again, "the noise", bare[http.Handler]},
		{"txtrail → discard", Discard, "bodies, masked", discardedServer},
		{"txtrail → journal", Journal, "bodies, masked, on disk, compressed", journaledServer},
		{"otelhttp", Otel, "no bodies; a span, not exported", tracedServer},
		{"httplog v3", Httplog, "bodies, nothing masked; discarded", httploggedServer},
		{"an afternoon's", Naive, "bodies, ten keys masked; discarded", naiveServer},
	}
}

// Transports are the contestants around a transport. httplog has none.
func Transports() []Contestant[http.RoundTripper] {
	return []Contestant[http.RoundTripper]{
		{"bare transport", Bare, "", bare[http.RoundTripper]},
		{"bare again", Again, "the noise", bare[http.RoundTripper]},
		{"txtrail → discard", Discard, "bodies, masked", discardedTransport},
		{"txtrail → journal", Journal, "bodies, masked, on disk, compressed", journaledTransport},
		{"otelhttp", Otel, "no bodies; a span, not exported", tracedTransport},
		{"an afternoon's", Naive, "bodies, ten keys masked; discarded", naiveTransport},
	}
}

func nothing() error        { return nil }
func ignored(_ int64) error { return nil }

func bare[T any](inner T) (*Running[T], error) {
	return &Running[T]{Wrapped: inner, Settle: nothing, Stop: ignored, Clean: nothing}, nil
}
