package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

// reportEvery is how often one class of errors is reported, at most, to the function a
// user gave, which may well log through this very queue.
const reportEvery = time.Second

// class sorts errors for the rate limit: a sink that is down must not hide that
// entries are dropped.
type class uint8

const (
	classWrite class = iota
	classSanitize
	classClose
	classSpool
	classRetention
	classDamaged
	classDrop  // + reason
	classCount = classDrop + class(numReasons)
)

// reporter hands errors to OnError, one class at most once per interval and one call at a
// time. What comes in between is added up and told with the next, or when the queue
// closes. OnError runs on a goroutine of its own: it may wait for the worker, as it does
// when it logs through a queue that is full and has QueueOptions.BlockFor.
type reporter struct {
	teller *report.Teller
	every  time.Duration
	now    func() time.Time

	mu      sync.Mutex
	ending  bool // nobody waits in report any more
	ended   bool // nothing is held any more
	classes [classCount]struct {
		last    time.Time
		held    error
		n       int  // errors in held
		telling bool // one was taken and has not been told yet
	}
}

// told is an error that is due.
type told struct {
	class class
	err   error
}

func newReporter(onError func(error), now func() time.Time) *reporter {
	r := &reporter{every: reportEvery, now: now}
	if onError == nil {
		// How many were left out is in what is told.
		onError, r.every = func(err error) { report.Warn(err, 0) }, report.Every
	}
	r.teller = report.NewTeller(onError)
	return r
}

// report tells err now or holds it. It is called by the worker and by Close,
// never on a request's path.
func (r *reporter) report(c class, err error) {
	now := r.now()
	r.mu.Lock()
	s := &r.classes[c]
	s.held = merge(s.held, err)
	s.n++
	if s.telling || !r.ended && r.left(c, now) > 0 {
		r.mu.Unlock()
		return
	}
	due := told{c, r.take(c, now)}
	ending := r.ending
	r.mu.Unlock()
	if begun := r.tell(due); begun != nil && !ending {
		report.Within(begun, report.Prompt)
	}
}

// left is how long a class has to be held yet. r.mu is held.
func (r *reporter) left(c class, now time.Time) time.Duration {
	s := &r.classes[c]
	if s.last.IsZero() || now.Before(s.last) { // a clock that was set back silences nothing
		return 0
	}
	return max(0, r.every-now.Sub(s.last))
}

// take empties a class. r.mu is held.
func (r *reporter) take(c class, now time.Time) error {
	s := &r.classes[c]
	err, n := s.held, s.n
	s.held, s.n, s.last, s.telling = nil, 0, now, true
	var drop *DropError
	if n > 1 && !errors.As(err, &drop) {
		err = fmt.Errorf("%w (the last of %d such errors)", err, n)
	}
	return err
}

// tell has errors told. It returns a channel if nothing was being told before, which is
// closed when nothing is any more.
func (r *reporter) tell(due ...told) (begun <-chan struct{}) {
	for _, d := range due {
		if ch := r.teller.Add(d.err, func() { r.was(d.class) }); ch != nil {
			begun = ch
		}
	}
	return begun
}

// was enters that a class was told, and tells what has become due meanwhile.
func (r *reporter) was(c class) {
	now := r.now()
	r.mu.Lock()
	r.classes[c].telling = false
	due, _ := r.due(now, r.ended)
	r.mu.Unlock()
	r.tell(due...)
}

// due takes what is held and due, or all of it, and returns how long to wait for the
// rest, 0 if there is none. r.mu is held.
func (r *reporter) due(now time.Time, all bool) (due []told, wait time.Duration) {
	for c := range class(len(r.classes)) {
		s := &r.classes[c]
		if s.n == 0 {
			continue
		}
		left := r.left(c, now)
		if !s.telling && (all || left == 0) {
			due = append(due, told{c, r.take(c, now)})
			continue
		}
		if left == 0 { // it goes on by itself when OnError returns
			left = r.every
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	return due, wait
}

// flush tells what is held and due. It returns how long to wait for the rest, 0 if there
// is none.
func (r *reporter) flush() time.Duration {
	now := r.now()
	r.mu.Lock()
	due, wait := r.due(now, false)
	r.mu.Unlock()
	if begun := r.tell(due...); begun != nil {
		report.Within(begun, report.Prompt)
	}
	return wait
}

// hurry has nobody wait in report any more: Close has promised when it returns.
func (r *reporter) hurry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = true
}

// finish tells all that is held, and waits until it was told, as [report.Teller.Finish]
// does.
func (r *reporter) finish(ctx context.Context) {
	now := r.now()
	r.mu.Lock()
	r.ending, r.ended = true, true
	due, _ := r.due(now, true)
	r.mu.Unlock()
	r.tell(due...)
	r.teller.Finish(ctx)
}

// merge adds up drops of one reason; of other errors the newest stands for all.
func merge(held, err error) error {
	var old, drop *DropError
	if !errors.As(held, &old) || !errors.As(err, &drop) {
		return err
	}
	sum := *drop
	sum.Count += old.Count
	if sum.Err == nil {
		sum.Err = old.Err
	}
	return &sum
}
