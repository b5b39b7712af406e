package journalsink

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/blackbox"
	"github.com/txtrail/txtrail/sink"
)

// DefaultInFlightSlots is how many requests a list of those in flight holds, by
// default. It takes 1 MiB on the disk.
const DefaultInFlightSlots = blackbox.DefaultSlots

// InFlightOptions of [Journal.InFlight]. Nil means the defaults.
type InFlightOptions struct {
	// Resource says whose requests they are; the queue's is right. It must be
	// sanitized: [sink.Queue.Resource] is. Default nil: nobody's.
	Resource *entry.Resource
	// Slots is how many requests are listed at once, 256 bytes each, up to 65,536.
	// Beyond that they are counted in Stats.InFlightMissed. Open WebSockets count.
	// Default 4096.
	Slots int
	// OnDisk keeps the list itself in the folder. By default it is in the memory's file
	// system, /dev/shm, where there is one, and the folder has a note of it: a store to a
	// mapped page of a disk that stalls or is frozen would stop the whole process. But
	// /dev/shm goes with its container (in Kubernetes with its pod): set OnDisk where
	// containers are restarted on a volume that stays. Default false.
	OnDisk bool
}

// ErrInFlight is returned, wrapped with the reason, by [Journal.InFlight] where there
// can be no list of the requests in flight.
var ErrInFlight = errors.New("journalsink: no list of the requests in flight")

// InFlight starts the list of the requests in flight: a side file of the folder, mapped
// into memory, so that it is there when the process is killed. The next journal that is
// opened in the folder, or one that is open, within a minute, writes a crash entry for
// each request that was in it, once; readers show them before that.
//
// What is written down of a request: its txid and spans, when it began, the method, the
// route where it is known, and of the path the leading words that can not be a secret;
// nothing else, since there is no time for the sanitizer. A disk that fails under it, or
// a file that is removed, turns the list off until a new one can be made; neither
// disturbs a request.
//
// An error wraps [ErrInFlight]: on Windows there is none. A list that can not be made
// yet, for want of space on the disk say, is none: it is tried again, reported to
// OnError, and what is missed is counted.
//
// The list belongs to the journal: Close ends it. Requests that are still in flight
// then stay in the file, for the case that the process ends before they do. A second
// call returns the same list, whatever its options.
func (j *Journal) InFlight(opts *InFlightOptions) (sink.InFlight, error) {
	var o InFlightOptions
	if opts != nil {
		o = *opts
	}
	if o.Slots == 0 {
		o.Slots = DefaultInFlightSlots
	}
	if o.Slots < 0 || o.Slots > blackbox.MaxSlots {
		return nil, optionError("Slots", "is %d: want 1 to %d, or 0 for %d", o.Slots, blackbox.MaxSlots, DefaultInFlightSlots)
	}
	l, err, later := j.keep.startFlight(o)
	if later != nil {
		j.report(later) // no lock is held: the callee may use the journal
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// startFlight returns the journal's list, and makes it if there is none. later is for
// OnError.
func (k *keeper) startFlight(o InFlightOptions) (l *inFlight, err, later error) {
	k.flightMu.Lock()
	defer k.flightMu.Unlock()
	if k.closing() {
		return nil, fmt.Errorf("%w: %w", ErrInFlight, sink.ErrClosed), nil
	}
	if l = k.flight.Load(); l != nil {
		return l, nil, nil
	}
	l = &inFlight{j: k.j, opts: o}
	if later = l.make(); errors.Is(later, blackbox.ErrUnsupported) {
		return nil, fmt.Errorf("%w: %w", ErrInFlight, later), nil
	}
	k.flight.Store(l)
	return l, nil, later
}

// inFlight is the list of one journal: a table, and another one when that is gone.
type inFlight struct {
	j      *Journal
	opts   InFlightOptions
	table  atomic.Pointer[blackbox.Table] // nil: none could be made
	missed atomic.Int64                   // of the tables before, and without one

	mu     sync.Mutex // of watch and close
	closed bool
	rest   int // ticks until it is tried again
}

var _ sink.InFlight = (*inFlight)(nil)

// Begin implements [sink.InFlight].
func (l *inFlight) Begin(r sink.InFlightRequest) sink.InFlightSlot {
	t := l.table.Load()
	if t == nil {
		l.missed.Add(1)
		return nil
	}
	return t.Begin(r)
}

// make makes a table.
func (l *inFlight) make() error {
	place := blackbox.InMemory
	if l.opts.OnDisk {
		place = blackbox.InFolder
	}
	t, err := blackbox.Create(l.j.dir, l.opts.Slots, l.opts.Resource, l.j.opts.Name, l.j.opts.fileMode(), place)
	if err != nil {
		return fmt.Errorf("journalsink: requests in flight can not be listed: %w", err)
	}
	l.table.Store(t)
	return nil
}

// retryInFlight is how many ticks pass until a table is tried again: making one takes
// a mebibyte, on a disk that may be full.
const retryInFlight = 10

// watch makes a new table when the old one was removed or has failed, and notes that
// the process is alive.
func (l *inFlight) watch() {
	for _, err := range l.look() {
		l.j.report(err) // no lock is held: the callee may use the journal
	}
}

// look is watch, but for telling OnError.
func (l *inFlight) look() (later []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	t := l.table.Load()
	if t != nil && t.Named() {
		t.Beat(l.j.opts.Now())
		return nil
	}
	if l.rest > 0 {
		l.rest--
		return nil
	}
	why := "its file was removed"
	if t != nil && t.Broken() {
		why = "its file can not be written any more"
	}
	err := l.make()
	if t != nil && (err == nil || t.Broken()) {
		// A broken one lists nothing; one without a name may get another.
		if err != nil {
			l.table.Store(nil)
		}
		l.missed.Add(t.Missed())
		_ = t.Close()
		later = append(later, fmt.Errorf("journalsink: the list of requests in flight begins anew: %s", why))
	}
	if err != nil {
		l.rest = retryInFlight
		later = append(later, err)
	}
	return later
}

func (l *inFlight) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if t := l.table.Load(); t != nil {
		_ = t.Close() // a file that stays is adopted as a dead one's
	}
}

// figures returns how many requests are listed, and how many were not.
func (l *inFlight) figures() (used, missed int64) {
	missed = l.missed.Load()
	if t := l.table.Load(); t != nil {
		used = t.Used()
		missed += t.Missed()
	}
	return used, missed
}
