package txtrail

import (
	"context"
	"sync"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// lazyJournal opens the journal when there is something to write, and tries again
// as long as that fails: a folder that can not be written yet must neither keep a
// service from starting nor be given up for ever. The queue above it waits and
// reports between the tries.
type lazyJournal struct {
	dir  string
	opts journalsink.Options

	// inFlight gets the journal's list of the requests in flight; nil: there is none.
	inFlight *lazyInFlight
	listing  journalsink.InFlightOptions

	mu      sync.Mutex
	journal *journalsink.Journal
	unfit   error // why there is no list
	closed  bool
}

func (l *lazyJournal) open() (*journalsink.Journal, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, sink.Permanent(sink.ErrClosed)
	}
	if l.journal == nil {
		j, err := journalsink.Open(l.dir, &l.opts)
		if err != nil {
			return nil, sink.Retryable(err, 0)
		}
		l.journal = j
		if l.inFlight != nil {
			list, err := j.InFlight(&l.listing)
			if l.unfit = err; err == nil {
				l.inFlight.list.Store(&list)
			}
		}
	}
	return l.journal, nil
}

// unlisted returns why requests in flight are not listed, nil if they are or nobody
// asked for it.
func (l *lazyJournal) unlisted() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unfit
}

// Write implements [sink.Sink].
func (l *lazyJournal) Write(ctx context.Context, batch []*entry.Entry) error {
	j, err := l.open()
	if err != nil {
		return err
	}
	return j.Write(ctx, batch)
}

// Close implements [sink.Sink].
func (l *lazyJournal) Close(ctx context.Context) error {
	l.mu.Lock()
	j := l.journal
	l.closed = true
	l.mu.Unlock()
	if j == nil {
		return nil
	}
	return j.Close(ctx)
}
