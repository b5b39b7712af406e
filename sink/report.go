package sink

import (
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

// reporter hands errors to OnError, one class at most once per interval. What
// comes in between is added up and told with the next, or when the queue closes.
type reporter struct {
	onError func(error)
	every   time.Duration
	now     func() time.Time

	mu      sync.Mutex
	classes [classCount]struct {
		last time.Time
		held error
		n    int // errors in held
	}
}

func newReporter(onError func(error), now func() time.Time) *reporter {
	r := &reporter{onError: onError, every: reportEvery, now: now}
	if onError == nil {
		// How many were left out is in what is told.
		r.onError, r.every = func(err error) { report.Warn(err, 0) }, report.Every
	}
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
	if !s.last.IsZero() && now.Sub(s.last) >= 0 && now.Sub(s.last) < r.every {
		r.mu.Unlock()
		return
	}
	err = r.take(c, now)
	r.mu.Unlock()
	r.tell(err)
}

// take empties a class. r.mu is held.
func (r *reporter) take(c class, now time.Time) error {
	s := &r.classes[c]
	err, n := s.held, s.n
	s.held, s.n, s.last = nil, 0, now
	var drop *DropError
	if n > 1 && !errors.As(err, &drop) {
		err = fmt.Errorf("%w (the last of %d such errors)", err, n)
	}
	return err
}

// flush tells what is held and due; all of it if the queue is about to end. It
// returns how long to wait for the rest, 0 if there is none.
func (r *reporter) flush(all bool) time.Duration {
	now := r.now()
	var due []error
	var wait time.Duration
	r.mu.Lock()
	for c := range class(len(r.classes)) {
		s := &r.classes[c]
		if s.n == 0 {
			continue
		}
		if left := min(r.every-now.Sub(s.last), r.every); !all && left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		due = append(due, r.take(c, now))
	}
	r.mu.Unlock()
	for _, err := range due {
		r.tell(err)
	}
	return wait
}

// tell calls OnError. A fault in it must not stop the worker.
func (r *reporter) tell(err error) {
	defer func() { _ = recover() }()
	r.onError(err)
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
