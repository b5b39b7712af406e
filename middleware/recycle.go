package middleware

import (
	"sync"

	"github.com/txtrail/txtrail/entry"
)

// records lends the entries in the making, with what lies beside them: it is the
// largest thing that is made for a request, and the queue is done with it a few
// milliseconds later. Nothing that a handler or a client can still hold is in it.
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

// Finish implements [entry.Finisher]: it says what was asked and answered, and by which
// page the user came in.
func (r *record) Finish(e *entry.Entry) {
	if e == &r.Entry {
		r.words()
	}
}

// newRecord returns a record. It is not lent where one of the user's functions sees the
// entry: it might keep it.
func (c *config) newRecord() *record {
	if c.OnEntry != nil || c.Keep != nil {
		return &record{}
	}
	return c.records.get()
}
