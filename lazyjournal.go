package txtrail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// reopenEvery is how often a folder that can not be written is tried again while the
// entries go to the other sinks from memory. Without other sinks it is the queue that
// tries again, since it has nowhere else to go.
const reopenEvery = 10 * time.Second

// lazyJournal opens the journal when there is something to write, and tries again
// as long as that fails: a folder that can not be written yet must neither keep a
// service from starting nor be given up for ever. The queue above it waits and
// reports between the tries.
//
// It is the spool of the sinks that stand beside the journal. While there is none,
// they get the entries from queues in memory.
type lazyJournal struct {
	dir    string
	opts   journalsink.Options
	teller *report.Teller // of opts.OnError; nil without one
	// Set before the first Write.
	others []*other
	queue  sink.QueueOptions

	// inFlight gets the journal's list of the requests in flight; nil: there is none.
	inFlight *lazyInFlight
	listing  journalsink.InFlightOptions

	reopen time.Duration // reopenEvery, but for tests
	ready  chan struct{} // closed once the journal is open, or Close was called

	opening  sync.Mutex // held by who opens it, which may take long; before mu
	mu       sync.Mutex
	journal  *journalsink.Journal
	spool    *journalsink.Spool // the journal's, once somebody ships
	unfit    error              // why there is no list
	closed   bool
	tried    time.Time // when it could not be opened
	err      error     // and why
	branches []sink.Sink
	direct   sink.Sink // to the other sinks without a journal
}

func newLazyJournal(dir string, opts journalsink.Options) *lazyJournal {
	l := &lazyJournal{dir: dir, opts: opts, reopen: reopenEvery, ready: make(chan struct{})}
	if opts.OnError != nil {
		// The journal tells it while the queue's worker writes to it, and OnError may wait
		// for that one: in Trail.Flush, or for room to log.
		l.teller = report.NewTeller(opts.OnError)
		l.opts.OnError = l.teller.Tell
	}
	return l
}

// tell tells OnError, if there is one. No lock is held.
func (l *lazyJournal) tell(err error) {
	if l.teller != nil {
		l.teller.Tell(err)
	}
}

func (l *lazyJournal) open() (*journalsink.Journal, error) {
	if j, err := l.state(); j != nil || err != nil {
		return j, err
	}
	l.opening.Lock()
	defer l.opening.Unlock()
	if j, err := l.state(); j != nil || err != nil {
		return j, err
	}
	j, err := journalsink.Open(l.dir, &l.opts)
	var list sink.InFlight
	var unfit error
	if err == nil && l.inFlight != nil {
		list, unfit = j.InFlight(&l.listing)
	}
	now := l.now()
	l.mu.Lock()
	l.tried = now
	switch {
	case err != nil:
		err = sink.Retryable(err, 0)
		l.err = err
	case l.closed: // and nobody waits for this any more
		err = sink.Permanent(sink.ErrClosed)
	default:
		l.journal, l.err, l.unfit = j, nil, unfit
		if list != nil {
			l.inFlight.list.Store(&list)
		}
		close(l.ready)
	}
	l.mu.Unlock()
	if err != nil && j != nil {
		ctx, cancel := context.WithTimeout(context.Background(), journalGrace)
		defer cancel()
		err = errors.Join(err, j.Close(ctx))
	}
	if err != nil {
		return nil, err
	}
	return j, nil
}

// state returns the journal if it is open, and an error if it can not be opened now.
func (l *lazyJournal) state() (*journalsink.Journal, error) {
	l.mu.Lock()
	j, closed, failed, tried, reopen := l.journal, l.closed, l.err, l.tried, l.reopen
	l.mu.Unlock()
	switch {
	case closed:
		return nil, sink.Permanent(sink.ErrClosed)
	case j != nil:
		return j, nil
	case failed == nil || len(l.others) == 0:
		return nil, nil
	}
	// A clock that was set back does not put it off.
	if since := l.now().Sub(tried); since >= 0 && since < reopen {
		return nil, failed
	}
	return nil, nil
}

func (l *lazyJournal) now() time.Time {
	if l.opts.Now != nil {
		return l.opts.Now()
	}
	return time.Now()
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
	if err == nil {
		return j.Write(ctx, batch)
	}
	if direct := l.instead(err); direct != nil {
		return direct.Write(ctx, batch)
	}
	return err
}

// instead returns where entries go while there is no journal: nil if there is nothing
// but to wait for it.
func (l *lazyJournal) instead(why error) sink.Sink {
	l.mu.Lock()
	if l.closed || len(l.others) == 0 {
		l.mu.Unlock()
		return nil
	}
	first := l.direct == nil
	if first {
		branches, err := l.branch()
		if err != nil {
			l.mu.Unlock()
			return nil
		}
		l.branches, l.direct = branches, sink.Fanout(branches...)
	}
	direct := l.direct
	l.mu.Unlock()
	if first {
		l.tell(fmt.Errorf("txtrail: without its journal it keeps entries in memory until the sinks have them: %w", why))
	}
	return direct
}

// branch puts a queue in memory before each of the other sinks.
func (l *lazyJournal) branch() (all []sink.Sink, err error) {
	for _, o := range l.others {
		b, err := sink.NewBranch(keptOpen{o.sink}, &l.queue)
		if err != nil { // but the queue above has taken the same options
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, b)
	}
	for i, o := range l.others {
		o.standIn.Store(all[i].(*sink.Branch))
	}
	return all, nil
}

// keptOpen is a sink that is not closed with what stands before it.
type keptOpen struct{ sink.Sink }

// Close implements [sink.Sink].
func (keptOpen) Close(context.Context) error { return nil }

// Attach implements [sink.Spool]. It waits for the journal.
func (l *lazyJournal) Attach(ctx context.Context, name string) (sink.Feed, error) {
	select {
	case <-l.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.Attach(ctx, name)
}

// Survey implements [sink.Surveyor].
func (l *lazyJournal) Survey(ctx context.Context, name string) (sink.Backlog, error) {
	s, err := l.opened()
	if err != nil {
		return sink.Backlog{}, err
	}
	return s.Survey(ctx, name)
}

// Mark implements [sink.Marker].
func (l *lazyJournal) Mark(ctx context.Context, name string) (sink.Mark, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.Mark(ctx, name)
}

// opened returns the spool of the open journal.
func (l *lazyJournal) opened() (_ *journalsink.Spool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spool == nil {
		if l.journal == nil {
			return nil, sink.ErrClosed
		}
		l.spool, err = l.journal.Spool(nil)
	}
	return l.spool, err
}

func (l *lazyJournal) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.journal != nil
}

// Close implements [sink.Sink]: the sinks beside the journal get what they take within
// ctx, then it is closed.
func (l *lazyJournal) Close(ctx context.Context) error {
	l.mu.Lock()
	j := l.journal
	first := !l.closed
	l.closed = true
	if first && j == nil {
		close(l.ready)
	}
	branches := l.branches
	l.mu.Unlock()
	if !first {
		return nil
	}
	errs := make([]error, len(branches)+len(l.others)+1)
	var all sync.WaitGroup
	for i, b := range branches {
		all.Go(func() { errs[i] = b.Close(ctx) })
	}
	all.Wait() // they write to sinks that the ships close
	for i, o := range l.others {
		all.Go(func() { errs[len(branches)+i] = o.ship.Close(ctx) })
	}
	all.Wait()
	if j != nil {
		errs[len(errs)-1] = closeJournal(ctx, j)
	}
	if l.teller != nil {
		l.teller.Finish(ctx)
	}
	return errors.Join(errs...)
}

// journalGrace is what the journal has to close its file when the time is over. What it
// does not do then the next one does.
const journalGrace = 50 * time.Millisecond

func closeJournal(ctx context.Context, j *journalsink.Journal) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), journalGrace)
		defer cancel()
	}
	return j.Close(ctx)
}

// CloseGrace implements [sink.Nested]: the ships, the journal and OnError follow each
// other, and so do the queues in memory, if there were any.
func (l *lazyJournal) CloseGrace() time.Duration {
	var queues, ships time.Duration
	for _, o := range l.others {
		if b := o.standIn.Load(); b != nil {
			queues = max(queues, b.CloseGrace())
		}
		ships = max(ships, o.ship.CloseGrace())
	}
	return queues + ships + journalGrace + report.Prompt
}
