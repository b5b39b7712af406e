package entry

import "slices"

// Clone returns a copy of a sealed entry that may be kept: it shares no memory with e
// that the queue which sealed e uses again. It is as immutable as e.
func (e *Entry) Clone() *Entry {
	c := *e
	c.line = slices.Clone(e.line)
	c.Request.Body.Content = slices.Clone(e.Request.Body.Content)
	c.Response.Body.Content = slices.Clone(e.Response.Body.Content)
	c.Redactions = slices.Clone(e.Redactions)
	return &c
}
