package journalsink

import (
	"context"
	"path"

	"github.com/txtrail/txtrail/sink"
)

// peeked is a sink.Place: how far each base was looked at, by text.
type peeked map[string]position

// Peek implements sink.Feed. Another feed reads on from where this one is, and is
// forgotten.
func (f *feed) Peek(ctx context.Context, from sink.Place, b *sink.SpoolBatch) (sink.Place, error) {
	places, _ := from.(peeked)
	scout := f.s.feed(f.name, f.folder)
	scout.looking = true
	scout.told.on = func(Damage) {} // whoever takes it will tell
	for _, x := range f.order {
		c := *x
		if p := places[x.text]; p.offset > c.read.offset {
			c.read = p
		}
		c.settled, c.ended, c.unproven = c.read, false, false
		scout.bases[c.text] = &c
		scout.order = append(scout.order, &c)
	}
	if err := scout.Next(ctx, b); err != nil {
		return from, err
	}
	next := make(peeked, len(scout.order))
	for _, x := range scout.order {
		next[x.text] = x.read
	}
	return next, nil
}

// Grave implements sink.Feed: below the journal's folder, since that of the machine is
// nobody's business.
func (f *feed) Grave() string {
	return path.Join(shipDir, f.folder, deadName(f.s.opts.Name))
}
