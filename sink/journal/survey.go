package journalsink

import (
	"context"

	"github.com/txtrail/txtrail/sink"
)

var _ sink.Surveyor = (*Spool)(nil)

// Survey implements sink.Surveyor: it looks at the folder without the lock. Where no
// cursor can be there, as when something else has the place of the sink's folder, all
// that is in the files waits.
func (s *Spool) Survey(ctx context.Context, name string) (sink.Backlog, error) {
	quiet := *s
	quiet.opts.OnError = func(error) {} // Attach tells, and whoever reads
	if _, ok := s.fs.(osFS); ok {
		quiet.fs = lookFS{} // what can not be written may be readable
	}
	f := quiet.feed(name, shipFolder(name))
	f.looking = true
	if err := f.load(); err != nil {
		return sink.Backlog{}, err
	}
	return f.Look(ctx)
}
