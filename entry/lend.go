package entry

// Lender is for package sink, which gives entries back, and for the captures that lend
// them: who lends the memory of an entry and gets it back; see [Entry.Lend].
type Lender interface {
	// Return is for package sink, by [Entry.Release]: it takes e back. It is called once,
	// when nobody uses e, or what its slices hold, any more. It must ignore an e that it
	// has not lent: a copy of one.
	Return(e *Entry)
}

// Lend is for the captures, packages middleware and outbound: it says whom the entry's
// memory goes back to. Whoever makes many entries may lend them so and use each again and
// again: an entry is the largest thing that is made for a request. From then on e may
// only be handed to a queue, which calls Finish and Release; one that is not handed over
// need not be released. Anybody else's Lend on an entry that is lent takes the lender's
// place: its memory does not go back, and what it had left to be filled in stays empty.
func (e *Entry) Lend(l Lender) { e.lender = l }

// Release is for package sink: it gives the entry back to who has lent it, and does
// nothing where nobody has. The queue that e was handed to calls it, once e has been
// written or dropped. Nobody may use e, or what its slices hold, afterwards; a sink keeps
// a [Entry.Clone]. Called by anybody else, of a lent entry that is still in use, it lets
// another request write into it: two users' data then stand in one entry.
func (e *Entry) Release() {
	if l := e.lender; l != nil {
		e.lender = nil
		l.Return(e)
	}
}

// Finisher is for package sink and for the captures: a [Lender] that has left something
// of its entries to be filled in, what is only for reading, such as a message put together
// of other fields. Whoever makes a request wait does so for as little as possible.
type Finisher interface {
	Lender
	// Finish is for package sink, by [Entry.Finish]: it fills it in. It is called once for
	// an entry that is to be written, before it is sanitized, and by the goroutine that
	// does that. It must ignore an e that it has not lent, and not keep one that it has. A
	// panic is reported, and the entry written as it is then.
	Finish(e *Entry)
}

// Finish is for package sink: it has whoever has lent the entry fill in what was left, if
// that is a [Finisher]. The queue that the entry was handed to calls it. Called by anybody
// else it races with the queue's worker, and what it fills in behind the sanitizer's back
// stands in the line unsanitized.
func (e *Entry) Finish() {
	if f, ok := e.lender.(Finisher); ok {
		f.Finish(e)
	}
}
