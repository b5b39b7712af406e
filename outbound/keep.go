package outbound

import (
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// reasonBrief is why a body's content is missing: Keep wanted none.
const reasonBrief = "brief"

// detail asks Keep about e, which nobody else has yet.
func (t *Transport) detail(scope *txid.Scope, e *entry.Entry) entry.Detail {
	if t.opts.Keep == nil {
		return entry.DetailFull
	}
	d := t.askKeep(e)
	if d < entry.DetailFull && scope.Kept() {
		e.AddFlag(entry.FlagEscalated)
		d = entry.DetailFull
	}
	return d
}

func (t *Transport) askKeep(e *entry.Entry) (d entry.Detail) {
	defer func() {
		if v := recover(); v != nil {
			t.report("Keep", v)
			d = entry.DetailFull
		}
	}()
	return min(t.opts.Keep(e), entry.DetailFull)
}

// brief takes the content out of e's bodies.
func (t *Transport) brief(e *entry.Entry) {
	for _, b := range [...]*entry.Body{&e.Request.Body, &e.Response.Body} {
		if b.Raw == nil {
			continue
		}
		t.pool.Put(b.Raw)
		b.Raw, b.Truncated, b.Reason = nil, true, reasonBrief
	}
}
