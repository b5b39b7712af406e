package sink

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Queue takes entries from the request path and has them written. It never
// blocks and never panics into a request: [Queue.Enqueue] holds a lock for a few
// instructions, all else is done by one worker goroutine. Who would rather wait than
// lose has two ways to say so: QueueOptions.BlockFor makes Enqueue wait for room, and
// [Queue.Deliver] returns when the sink has the entry.
//
// The worker sanitizes each entry, encodes its canonical line, and writes batches
// to the sink in the order of capture. While the sink fails, the queue absorbs;
// when it is full the newest entries are dropped, since the oldest are nearer to
// what went wrong first. Drops are counted in [Stats] and, as soon as the sink
// takes entries again, written as gap entries: one for each of up to 64
// transactions and reasons, and one without txid for all others.
//
// All methods are safe for concurrent use.
type Queue struct {
	opts     QueueOptions
	sink     Sink
	resource *entry.Resource
	prefix   idPrefix
	buffers  BufferPool
	report   *reporter

	*ending
	wake     chan struct{} // a token when the worker should look
	declined atomic.Int64  // left out by a strategy
	spare    sync.Pool     // of *waiter, for Deliver

	mu       sync.Mutex
	ring     []item // fixed: as many as fit MaxBytes if each were empty
	head     int    // the oldest
	count    int    // in the ring
	inflight int    // taken by the worker, not settled
	bytes    int64  // held by both
	waiting  state  // what the worker waits for
	closing  bool   // Close was called
	gone     bool   // Close gave up on a worker that hangs in the sink
	seq      uint64 // captures and gap entries, for InsertIDs
	accepted uint64 // entries that were put into the ring
	finished uint64 // the first so many of them have been delivered or dropped
	noted    uint64 // drops noted in gaps
	toldFull int64  // of dropped[reasonFull], told to OnError
	gapsDone uint64 // the first so many of them have been written down or lost
	gaps     *gapBook
	// Gap entries taken by the worker, not settled; and what Close left undone.
	gapsInflight, leftEntries, leftGaps int64
	waiters                             []*waiter
	blocked                             []*arrival         // wait for room, in their order
	cut                                 context.CancelFunc // ends the Write that runs
	hopeless                            error              // of the sink that Close has given up
	stats                               Stats              // Dropped is not used
	dropped                             [numReasons]int64
}

type item struct {
	entry *entry.Entry
	cost  int64
	seq   uint64
	gap   bool // made by the worker itself
}

// state is what the worker waits for, so that Enqueue wakes it only when needed.
type state uint8

const (
	busy      state = iota // nothing: it will look by itself
	idle                   // the first entry
	lingering              // a full batch
)

// waiter is a Flush or a Deliver that waits.
type waiter struct {
	accepted, noted uint64
	dropped         int64 // when a Flush began
	// Of a Deliver: how long it may take, its entry's number, and what has become of
	// it: whether and why it was dropped.
	within time.Duration
	seq    uint64
	got    bool // the sink has it
	lost   bool
	why    reason

	err  error
	done chan struct{} // gets one token when it has ended
}

// NewQueue returns a running queue that writes to s. Nil options are the
// defaults; they are copied. Close ends it, and closes s. The error wraps
// [ErrOptions], or says that the policy panics on the resource; s is then still the
// caller's.
func NewQueue(s Sink, opts *QueueOptions) (*Queue, error) {
	if s == nil {
		return nil, fmt.Errorf("%w: the sink is nil; use Discard() to drop everything", ErrOptions)
	}
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	q := &Queue{
		opts:   o,
		sink:   s,
		prefix: newIDPrefix(),
		report: newReporter(o.OnError, o.Now),
		ending: newEnding(),
		wake:   make(chan struct{}, 1),
		ring:   make([]item, o.MaxBytes/entrySize+1),
		gaps:   newGapBook(),
	}
	w := newWorker(q)
	q.resource, err = w.cleanResource(o.Resource)
	if err != nil {
		return nil, err
	}
	go w.run()
	return q, nil
}

// Buffers returns the pool that captures take their buffers from.
func (q *Queue) Buffers() *BufferPool { return &q.buffers }

// Resource returns the resource set on entries that have none, sanitized, or nil.
// It is shared: read it only.
func (q *Queue) Resource() *entry.Resource { return q.resource }

// Enqueue hands e over and reports whether it was taken. It never blocks, unless
// QueueOptions.BlockFor says so. From then on e, the slices in it and its raw buffers
// belong to the queue, whether it was taken or not: nothing of it may be shared with
// another entry.
//
// A missing Time is set to now. An InsertID is drawn for an entry that has none;
// it stands for the place in the queue and is written by the worker.
//
// False means that the entry was dropped, and counted: the queue is full
// ([DropFull]) or closed ([DropClosed]), or e is nil or sealed ([DropInvalid]).
func (q *Queue) Enqueue(e *entry.Entry) bool {
	if q == nil {
		return false
	}
	return q.fit(e) && q.admit(e, nil)
}

// fit makes an entry ready to be admitted, or counts it as none.
func (q *Queue) fit(e *entry.Entry) bool {
	if e == nil || e.Sealed() {
		q.mu.Lock()
		q.stats.Captured++
		q.dropped[reasonInvalid]++
		q.mu.Unlock()
		return false
	}
	if e.Time.IsZero() {
		e.Time = q.opts.Now()
	}
	return true
}

// admit is Enqueue for an entry that is known to be fit. A w that is not nil waits
// for this entry from then on; for one that is not taken it learns why.
func (q *Queue) admit(e *entry.Entry, w *waiter) bool {
	cost := costOf(e)
	// After the lock is given up the entry is the worker's.
	id, at := e.TxID, e.Time

	q.mu.Lock()
	var why reason
	switch {
	case q.closing:
		why = reasonClosed
	case q.bytes+cost > q.opts.MaxBytes || q.count == len(q.ring) || len(q.blocked) > 0:
		if q.opts.BlockFor > 0 && cost <= q.opts.MaxBytes {
			return q.block(e, cost, w)
		}
		why = reasonFull
	default:
		wake := q.push(e, cost, w)
		q.mu.Unlock()
		if wake {
			q.nudge()
		}
		return true
	}
	q.refuse(e, id, at, cost, w, why)
	return false
}

// push puts an entry that fits into the ring. It reports whether the worker has to be
// woken. q.mu is held.
func (q *Queue) push(e *entry.Entry, cost int64, w *waiter) (wake bool) {
	q.stats.Captured++
	q.seq++
	i := q.head + q.count
	if i >= len(q.ring) {
		i -= len(q.ring)
	}
	q.ring[i] = item{entry: e, cost: cost, seq: q.seq}
	q.count++
	q.bytes += cost
	q.accepted++
	if w != nil {
		return q.await(w)
	}
	wake = q.waiting == idle || q.waiting == lingering && q.count >= MaxBatch
	if wake {
		q.waiting = busy
	}
	return wake
}

// refuse drops an entry that was not taken. q.mu is held, and given up.
func (q *Queue) refuse(e *entry.Entry, id txid.ID, at time.Time, cost int64, w *waiter, why reason) {
	q.stats.Captured++
	q.seq++
	if w != nil {
		w.lost, w.why = true, why
	}
	wake := q.drop(why, id, at, cost)
	q.mu.Unlock()
	if wake {
		q.nudge()
	}
	q.reclaim(e)
}

// Decline takes an entry that somebody's strategy leaves out, instead of Enqueue: its
// raw buffers go back to the pool, it is counted in [Stats].Declined, and nothing
// else happens. It never blocks. A nil or sealed entry is ignored.
func (q *Queue) Decline(e *entry.Entry) {
	if q == nil || e == nil || e.Sealed() {
		return
	}
	q.reclaim(e)
	q.declined.Add(1)
}

// isClosing reports whether Close was called.
func (q *Queue) isClosing() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closing
}

// drop counts one entry that will not be delivered, and notes it for a gap entry.
// It reports whether the worker has to be woken. q.mu is held.
func (q *Queue) drop(why reason, id txid.ID, at time.Time, cost int64) (wake bool) {
	q.dropped[why]++
	switch why {
	case reasonClosed: // nobody is left to write it down
		return false
	case reasonSinkDown: // the Fanout does, where it is missing
		return false
	}
	q.gaps.note(why, id, at, cost)
	q.noted++
	wake = q.waiting == idle
	if wake {
		q.waiting = busy
	}
	return wake
}

// nudge makes the worker look.
func (q *Queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default: // it has a token already
	}
}

// reclaim takes the raw buffers, and the memory, of an entry that nobody will write.
func (q *Queue) reclaim(e *entry.Entry) {
	for _, b := range [...]*entry.Body{&e.Request.Body, &e.Response.Body} {
		if b.Raw != nil {
			q.buffers.Put(b.Raw)
			b.Raw = nil
		}
	}
	e.Release()
}

// Stats returns the queue's account at this moment.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	s := q.stats
	dropped := q.dropped
	s.Waiting = int64(q.count + q.inflight)
	s.WaitingBytes = q.bytes
	q.mu.Unlock()
	s.MaxBytes = q.opts.MaxBytes
	s.Declined = q.declined.Load()
	s.Dropped = make(map[string]int64, len(dropped))
	for r, n := range dropped {
		if n > 0 {
			s.Dropped[reason(r).String()] = n
		}
	}
	return s
}

// Flush waits until everything enqueued before has been delivered or dropped, gap
// entries included, or ctx ends. It returns a [*DropError] if entries were
// dropped meanwhile, and an error that wraps ctx's and says how many still wait
// when that ended first. They keep waiting.
func (q *Queue) Flush(ctx context.Context) error {
	q.mu.Lock()
	w := &waiter{accepted: q.accepted, noted: q.noted, dropped: q.lost(), done: make(chan struct{}, 1)}
	if q.satisfied(w) {
		q.mu.Unlock()
		return nil
	}
	q.waiters = append(q.waiters, w)
	q.waiting = busy
	q.mu.Unlock()
	q.nudge()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
	}
	q.mu.Lock()
	left := q.accepted - q.finished
	waited := q.forget(w)
	q.mu.Unlock()
	if !waited { // it has ended by now, whatever ctx has
		<-w.done
		return w.err
	}
	return fmt.Errorf("sink: flush: %d entries not written yet: %w", left, context.Cause(ctx))
}

// lost counts the drops that the sink or the queue is to blame for. q.mu is held.
func (q *Queue) lost() int64 {
	return q.dropped[reasonFull] + q.dropped[reasonRefused] + q.dropped[reasonSinkDown] + q.dropped[reasonInvalid]
}

// forget ends the wait of a waiter that has had enough of it, and reports whether it
// was still waiting. q.mu is held.
func (q *Queue) forget(w *waiter) bool {
	for i := range q.waiters {
		if q.waiters[i] == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			return true
		}
	}
	return false
}

func (q *Queue) satisfied(w *waiter) bool {
	return q.finished >= w.accepted && q.gapsDone >= w.noted
}

// notify ends the waits that have come to their end. q.mu is held.
func (q *Queue) notify() {
	kept := q.waiters[:0]
	for _, w := range q.waiters {
		if !q.satisfied(w) {
			kept = append(kept, w)
			continue
		}
		if n := q.lost() - w.dropped; w.seq != 0 {
			w.err = w.verdict()
		} else if n > 0 {
			w.err = &DropError{Reason: "while flushing", Count: n}
		} else if q.gone {
			w.err = ErrClosed
		}
		w.done <- struct{}{} // there is room: nobody sends twice
	}
	clear(q.waiters[len(kept):])
	q.waiters = kept
}

// entrySize is what an entry holds beside what its fields point to, and what usually lies
// beside it where it is lent, as nearly all are: its state, and the message that its lender
// makes in the end.
const entrySize = int64(unsafe.Sizeof(entry.Entry{})) + 384

// costOf estimates the memory that e holds, in bytes. Strings are counted where
// they can be long; buffers by what they take from the pool.
func costOf(e *entry.Entry) int64 {
	n := entrySize + int64(cap(e.Line()))
	n += int64(cap(e.Request.Body.Raw)) + int64(cap(e.Request.Body.Content))
	n += int64(cap(e.Response.Body.Raw)) + int64(cap(e.Response.Body.Content))
	for _, b := range [...]*entry.Body{&e.Request.Body, &e.Response.Body} {
		n += int64(len(b.Type) + len(b.ContentEncoding) + len(b.Reason))
	}
	n += int64(len(e.Message) + len(e.Refused) + len(e.HTTP.URL) + len(e.HTTP.Referer) + len(e.HTTP.UserAgent))
	n += int64(len(e.HTTP.Method) + len(e.HTTP.Route) + len(e.HTTP.Protocol) + len(e.HTTP.RemoteIP) + len(e.HTTP.ServerAddress))
	n += int64(len(e.Error.Message) + len(e.Error.Stack))
	for _, hs := range [...][]entry.Header{e.Request.Headers, e.Request.Trailers, e.Response.Headers, e.Response.Trailers} {
		n += int64(cap(hs)) * int64(unsafe.Sizeof(entry.Header{}))
		for i := range hs {
			n += int64(len(hs[i].Name) + len(hs[i].Value))
		}
	}
	for _, ls := range [...][]entry.Label{e.Labels, e.Attributes, e.Facts.Carried} {
		n += int64(cap(ls)) * int64(unsafe.Sizeof(entry.Label{}))
		for i := range ls {
			n += int64(len(ls[i].Name) + len(ls[i].Value))
		}
	}
	return n
}
