package txid

import (
	"context"
	"sync"
)

// Detach returns a context that carries the Scope of from, and nothing else of
// it: neither its cancellation nor its values. It is for work that outlives the
// request, in the scenario that asked for it.
//
// The Scope is a copy. While the exchange goes on, its Recorder is as good as the
// original's; when it has ended nothing of it is held any more but the page by which
// the user came in, and whether it was to be kept in full.
func Detach(parent, from context.Context) context.Context {
	s, ok := FromContext(from)
	if !ok {
		return parent
	}
	own := *s
	if d, ok := s.Recorder.(Detacher); ok {
		own.Recorder = d.Detached()
	}
	return NewContext(parent, &own)
}

// Detacher is what a [Recorder] may be besides: one with a stand-in for contexts that
// outlive the exchange, since it holds the whole of it. One that is not a Detacher is
// held by what [Detach] returns.
type Detacher interface {
	// Detached returns the stand-in, which is told by [Detached.End] when the exchange
	// has ended. It is safe for concurrent use.
	Detached() *Detached
}

// Detached is a [Recorder] and a [Keeper] that passes everything on to another one until
// the exchange has ended. It is safe for concurrent use.
type Detached struct {
	mu   sync.Mutex
	to   Recorder // nil: the exchange has ended
	page string
	kept bool
}

var (
	_ Recorder = (*Detached)(nil)
	_ Keeper   = (*Detached)(nil)
)

// NewDetached returns a stand-in for r.
func NewDetached(r Recorder) *Detached { return &Detached{to: r} }

// End notes what is to be known of the exchange and lets go of it. Called again, or of
// a nil Detached, it does nothing.
func (d *Detached) End() {
	if d == nil {
		return
	}
	r := d.recorder()
	if r == nil {
		return
	}
	page := r.EntryPage()
	k, ok := r.(Keeper)
	kept := ok && k.Kept()
	d.mu.Lock()
	d.to, d.page, d.kept = nil, page, kept
	d.mu.Unlock()
}

// Pass makes d pass on to another Recorder, which goes on when the exchange has ended: one
// of a connection that its handler has taken. Of one that has ended, or is nil, it does
// nothing.
func (d *Detached) Pass(to Recorder) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.to != nil {
		d.to = to
	}
}

func (d *Detached) recorder() Recorder {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.to
}

// SetRoute implements [Recorder].
func (d *Detached) SetRoute(route string) {
	if r := d.recorder(); r != nil {
		r.SetRoute(route)
	}
}

// EntryPage implements [Recorder].
func (d *Detached) EntryPage() string {
	d.mu.Lock()
	r, page := d.to, d.page
	d.mu.Unlock()
	if r != nil {
		return r.EntryPage()
	}
	return page
}

// SetUser implements [Recorder].
func (d *Detached) SetUser(id string) {
	if r := d.recorder(); r != nil {
		r.SetUser(id)
	}
}

// SetError implements [Recorder].
func (d *Detached) SetError(err error) {
	if r := d.recorder(); r != nil {
		r.SetError(err)
	}
}

// Annotate implements [Recorder].
func (d *Detached) Annotate(name, value string) {
	if r := d.recorder(); r != nil {
		r.Annotate(name, value)
	}
}

// Keep implements [Keeper]. It does nothing when the exchange has ended.
func (d *Detached) Keep() {
	if k, ok := d.recorder().(Keeper); ok {
		k.Keep()
	}
}

// Kept implements [Keeper].
func (d *Detached) Kept() bool {
	d.mu.Lock()
	r, kept := d.to, d.kept
	d.mu.Unlock()
	if k, ok := r.(Keeper); ok {
		return k.Kept()
	}
	return kept
}
