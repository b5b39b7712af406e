package txid

import "math/bits"

// Marks says which of the header fields that a [Propagator] reads a request has, for who
// goes through all of them anyway: most requests have none, and to look for each is most
// of what [Propagator.ExtractRequest] costs. The zero value leaves nothing out. Marks are
// one request's, and for one goroutine.
//
//	marks := p.Marks()
//	for name := range r.Header {
//		marks.Mark(name)
//	}
//	p.ExtractMarkedInto(&scope, r, marks, now)
type Marks struct {
	by  *Propagator
	set uint64
}

// Marks returns the marks of a request of which no field has been seen yet. They are the
// zero value where there is a [Trust] to be asked, which may look at any field, and change
// the request before somebody else goes through it.
func (p *Propagator) Marks() Marks {
	if p.opts.Trust != nil {
		return Marks{}
	}
	return Marks{by: p}
}

// Known reports whether a missing mark says something.
func (m *Marks) Known() bool { return m.by != nil }

// Mark marks the field with the given name, in canonical form, if it is one that the
// Propagator reads. It does nothing to the zero value.
func (m *Marks) Mark(name string) {
	if m.by == nil {
		return
	}
	r := &m.by.reads
	for some := r.byLength[len(name)%len(r.byLength)]; some != 0; some &= some - 1 {
		if i := bits.TrailingZeros64(some); r.names[i] == name {
			m.set |= 1 << i // a name may be there twice: go on
		}
	}
}

// has reports whether the field with a mark may be there.
func (m *Marks) has(i int) bool { return m.by == nil || i >= 64 || m.set>>i&1 != 0 }

// The marks: these, then those of Accept, then those of Carried.
const (
	markParent = iota
	markEntryPage
	markTrace
	firstAccept
)

// marked finds a name among few: by its length first, which most others do not have.
type marked struct {
	names    []string
	byLength [32]uint64
}

func newMarked(accept, carried []string) (r marked) {
	r.names = append(r.names, HeaderParent, HeaderEntryPage, "Traceparent")
	r.names = append(append(r.names, accept...), carried...)
	for i, name := range r.names {
		if i < 64 { // the others are looked up always
			r.byLength[len(name)%len(r.byLength)] |= 1 << i
		}
	}
	return r
}
