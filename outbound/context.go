package outbound

import (
	"context"
	"sync"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

type attemptKey struct{}

// Untraced returns a context whose calls are neither recorded nor given a txid:
// they go to the base transport as they are. It is for the calls that deliver
// entries, which would otherwise record themselves for ever; the contexts that
// sinks are written with are marked so already ([sink.WithoutRecording]).
func Untraced(ctx context.Context) context.Context { return sink.WithoutRecording(ctx) }

// Attempt returns a context whose calls are attempts of one call: make it once
// before a loop of retries. The second attempt's entry has ResendCount 1 and the
// label [entry.LabelAttemptOf], and so on; where ctx has no scope, all of them share the
// txid of the first. Redirects within an attempt are hops of it and do not count.
func Attempt(ctx context.Context) context.Context {
	return context.WithValue(ctx, attemptKey{}, &attempts{})
}

// attempts counts what is sent with one Attempt context, also from several
// goroutines at once, as hedged requests are.
type attempts struct {
	mu    sync.Mutex
	sent  int
	first txid.SpanID
	scope *txid.Scope
}

// next takes part as the next attempt and returns how many went before, the
// first one's span, and the scope for a call that has none.
func (a *attempts) next(span txid.SpanID, scope *txid.Scope) (before int, first txid.SpanID, shared *txid.Scope) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent == 0 {
		a.first, a.scope = span, scope
	}
	a.sent++
	return a.sent - 1, a.first, a.scope
}
