package sink

import (
	"context"
	"sync"

	"github.com/txtrail/txtrail/entry"
)

// passage notes which entries of one Write came through the filters before a sink. What
// keep would say of them afterwards may be something else, for one that takes a sample.
type passage struct {
	first, last *filter // of the chain; nil: there are none, and all come through

	mu      sync.Mutex
	entered bool // the first was given this passage
	through map[*entry.Entry]bool
}

type passageKey struct{}

// newPassage looks for the filters before s, as [asked] does.
func newPassage(s Sink) *passage {
	p := &passage{}
	for {
		switch w := s.(type) {
		case *filter:
			if p.first == nil {
				p.first = w
			}
			p.last, s = w, w.sink
		case Wrapper:
			s = w.Unwrap()
		default:
			return p
		}
	}
}

// with returns a context that tells the filters of it.
func (p *passage) with(ctx context.Context) context.Context {
	if p.first == nil {
		return ctx
	}
	return context.WithValue(ctx, passageKey{}, p)
}

// pass is called by each filter with what it keeps.
func (f *filter) pass(ctx context.Context, kept []*entry.Entry) {
	p, _ := ctx.Value(passageKey{}).(*passage)
	if p == nil || f != p.first && f != p.last {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entered = p.entered || f == p.first
	if f != p.last {
		return
	}
	if p.through == nil {
		p.through = make(map[*entry.Entry]bool, len(kept))
	}
	for _, e := range kept {
		p.through[e] = true
	}
}

// reached reports whether an entry came through to the sink behind it all.
func (p *passage) reached(s Sink, e *entry.Entry) bool {
	if p == nil || p.first == nil {
		return true
	}
	p.mu.Lock()
	entered, through := p.entered, p.through[e]
	p.mu.Unlock()
	if !entered { // something before it does not hand on its context
		return asked(s, e)
	}
	return through
}
