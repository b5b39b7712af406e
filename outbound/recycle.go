package outbound

import (
	"sync"

	"github.com/txtrail/txtrail/entry"
)

// records lends the entries in the making, with what lies beside them: it is the
// largest thing that is made for a call, and the queue is done with it a few
// milliseconds later. Nothing that a caller can still hold is in it.
type records struct{ pool sync.Pool }

// get returns a record that holds nothing.
func (p *records) get() *record {
	r, ok := p.pool.Get().(*record)
	if !ok {
		r = &record{home: p}
	}
	r.Lend(r)
	return r
}

// Return implements [entry.Lender].
func (r *record) Return(e *entry.Entry) {
	if e != &r.Entry {
		return // a copy
	}
	p := r.home
	*r = record{home: p}
	p.pool.Put(r)
}

// Finish implements [entry.Finisher]: it says what a call was that did not fail.
func (r *record) Finish(e *entry.Entry) {
	if e == &r.Entry && e.Message == "" {
		e.Message = line(&e.HTTP, failure{}, e.Latency)
	}
}

// newRecord returns a record. It is not lent where a function of the user's sees the
// entry: it might keep it.
func (t *Transport) newRecord() *record {
	if t.opts.OnEntry != nil || t.opts.Keep != nil {
		return &record{}
	}
	return t.records.get()
}
