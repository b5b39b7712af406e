package txid

import "math/bits"

// Marks says which of the header fields that a [Propagator] reads a message has, for
// who goes through all of them anyway: most have none of these, and to look for each is
// most of what [Propagator.ExtractRequest] costs. The zero value has none.
type Marks uint64

// AllMarks says nothing: any field may be there.
const AllMarks = ^Marks(0)

func (m Marks) has(i int) bool { return i >= 64 || m>>i&1 != 0 }

// The marks: these, then those of Accept, then those of Carried.
const (
	markParent = iota
	markEntryPage
	markTrace
	firstAccept
)

// Mark marks the field with the given name, in canonical form, if it is one that p
// reads.
func (p *Propagator) Mark(m *Marks, name string) { p.reads.mark(m, name) }

// marked finds a name among few: by its length first, which most others do not have.
type marked struct {
	names    []string
	byLength [32]Marks
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

func (r *marked) mark(m *Marks, name string) {
	for some := r.byLength[len(name)%len(r.byLength)]; some != 0; some &= some - 1 {
		if i := bits.TrailingZeros64(uint64(some)); r.names[i] == name {
			*m |= 1 << i // a name may be there twice: go on
		}
	}
}
