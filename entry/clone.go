package entry

import "slices"

// Clone returns a copy of a sealed entry that may be kept: it shares no memory with e
// that the queue which sealed e, or whoever made e, uses again. It is as immutable as
// e.
func (e *Entry) Clone() *Entry {
	c := *e
	c.lender = nil
	c.line = slices.Clone(e.line)
	c.own = false // whoever clones may mean to change it
	for _, m := range [...]*Message{&c.Request, &c.Response} {
		m.Headers, m.Trailers = slices.Clone(m.Headers), slices.Clone(m.Trailers)
		m.Body.Content = slices.Clone(m.Body.Content)
	}
	c.Flags = slices.Clone(e.Flags)
	c.Facts.Carried = slices.Clone(e.Facts.Carried)
	c.Labels, c.Attributes = slices.Clone(e.Labels), slices.Clone(e.Attributes)
	c.Redactions = slices.Clone(e.Redactions)
	return &c
}
