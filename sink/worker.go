package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// worker is the one goroutine that sanitizes, seals and writes.
type worker struct {
	q     *Queue
	clean cleaner
	spare *gapBook // swapped with the queue's

	taken []item         // of this round, gap entries at the end
	batch []*entry.Entry // of this write
	items []item         // beside it
	lines []byte         // canonical lines of the batch
	ids   []byte         // scratch
	good  []item         // scratch

	settled uint64 // entries of the batch that were delivered or dropped
}

func newWorker(q *Queue) *worker {
	return &worker{
		q:     q,
		clean: cleaner{policy: q.opts.Policy, routes: q.opts.Policy != nil, buffers: &q.buffers},
		spare: newGapBook(),
		taken: make([]item, 0, MaxBatch+maxGapIDs+int(numReasons)),
		batch: make([]*entry.Entry, 0, MaxBatch+maxGapIDs+int(numReasons)),
		items: make([]item, 0, MaxBatch+maxGapIDs+int(numReasons)),
		lines: make([]byte, 0, 64<<10),
	}
}

// cleanResource sanitizes the queue's own resource, once.
func (w *worker) cleanResource(r *entry.Resource) (clean *entry.Resource, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = sanitizerError("the resource", v)
		}
	}()
	return w.clean.resource(r), nil
}

func (w *worker) run() {
	defer close(w.q.done)
	for w.next() {
		noted := w.round()
		for len(w.taken) > 0 && w.q.ctx.Err() == nil {
			w.fill()
			w.deliver()
		}
		if w.q.ctx.Err() != nil {
			return // Close counts what is left
		}
		w.q.mu.Lock()
		w.q.gapsDone = max(w.q.gapsDone, noted)
		w.q.notify()
		w.q.mu.Unlock()
	}
}

// next waits until there is something to write and a batch of it, or enough time
// has passed. It returns false when the queue has been closed and emptied.
func (w *worker) next() bool {
	q := w.q
	lingered := q.opts.Linger <= 0
	for {
		q.mu.Lock()
		some := q.count > 0 || len(q.gaps.records) > 0
		switch {
		case some && (lingered || q.closing || q.count >= MaxBatch || len(q.waiters) > 0):
			q.waiting = busy
			q.mu.Unlock()
			return true
		case some:
			q.waiting = lingering
		case q.closing:
			q.mu.Unlock()
			return false
		default:
			q.waiting = idle
		}
		pause := time.Duration(0)
		if some {
			pause, lingered = q.opts.Linger, true
		}
		q.mu.Unlock()
		if !some {
			pause = q.report.flush(false)
		}
		w.sleep(pause)
	}
}

// sleep waits for a token, and for no longer than d unless that is 0.
func (w *worker) sleep(d time.Duration) {
	if d == 0 {
		select {
		case <-w.q.wake:
		case <-w.q.ctx.Done():
		}
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.q.wake:
	case <-w.q.ctx.Done():
	case <-t.C:
	}
}

// round takes up to a batch of entries out of the ring, and all gaps. It returns
// how many drops those gaps tell of.
func (w *worker) round() (noted uint64) {
	q := w.q
	q.mu.Lock()
	n := min(q.count, MaxBatch)
	for range n {
		w.taken = append(w.taken, q.pop())
	}
	q.inflight += n
	noted = q.noted
	seq := q.seq
	gaps := q.gaps
	q.gapsInflight = int64(len(gaps.records))
	q.seq += uint64(len(gaps.records))
	q.gaps, w.spare = w.spare, gaps
	q.mu.Unlock()

	var full int64
	for i := range gaps.records {
		rec := &gaps.records[i]
		seq++
		w.taken = append(w.taken, item{entry: rec.entry(), seq: seq, gap: true})
		if rec.reason == reasonFull {
			full += rec.count
		}
	}
	gaps.reset()
	if full > 0 {
		q.report.report(classDrop+class(reasonFull), &DropError{Reason: DropFull, Count: full})
	}
	w.number()
	return noted
}

// pop takes the oldest entry out of the ring. q.mu is held.
func (q *Queue) pop() item {
	it := q.ring[q.head]
	q.ring[q.head] = item{}
	q.head++
	q.count--
	if q.head == len(q.ring) || q.count == 0 {
		q.head = 0 // an idle queue stays in the few slots that are in the cache
	}
	return it
}

// number writes the InsertIDs of a round, into one string.
func (w *worker) number() {
	w.ids = w.ids[:0]
	for i := range w.taken {
		if w.taken[i].entry.InsertID == "" {
			w.ids = w.q.prefix.append(w.ids, w.taken[i].seq)
		}
	}
	all := string(w.ids)
	for i := range w.taken {
		if e := w.taken[i].entry; e.InsertID == "" {
			e.InsertID, all = all[:idLen], all[idLen:]
		}
	}
}

// fill sanitizes and seals entries of the round into a batch until it is full.
func (w *worker) fill() {
	q := w.q
	w.batch, w.items, w.lines = w.batch[:0], w.items[:0], recycle(w.lines)
	w.clean.reset()
	total, i := 0, 0
	for ; i < len(w.taken) && total < MaxBatchBytes; i++ {
		it := w.taken[i]
		e := it.entry
		if e.Sealed() { // a branch's: the queue before it has done the work
			total += len(e.Line())
			w.batch = append(w.batch, e)
			w.items = append(w.items, it)
			continue
		}
		if e.Resource == nil {
			e.Resource = q.resource
		}
		if err := w.clean.clean(e); err != nil {
			q.mu.Lock()
			q.stats.Unclean++
			q.mu.Unlock()
			q.report.report(classSanitize, err)
		}
		w.shorten(e)
		if err := e.Seal(w.lines[len(w.lines):]); err != nil {
			q.report.report(classDrop+class(reasonInvalid), &DropError{Reason: DropInvalid, Count: 1, Err: err})
			w.dropped(it, e, reasonInvalid)
			continue
		}
		n := len(e.Line())
		if n <= cap(w.lines)-len(w.lines) {
			w.lines = w.lines[:len(w.lines)+n]
		} else {
			// The line has memory of its own; the next ones get a larger piece.
			w.lines = make([]byte, 0, max(2*cap(w.lines), 2*n))
		}
		total += n
		w.batch = append(w.batch, e)
		w.items = append(w.items, it)
	}
	rest := copy(w.taken, w.taken[i:])
	clear(w.taken[rest:])
	w.taken = w.taken[:rest]
}

// shorten keeps a line below what entry.Parse accepts. JSON makes at most six
// bytes of one, so only entries with megabytes of content are looked at closely.
func (w *worker) shorten(e *entry.Entry) {
	const room = 1 << 20 // for everything but the bodies
	req, res := &e.Request.Body, &e.Response.Body
	for 6*(len(req.Content)+len(res.Content)) > entry.MaxLine-room && len(e.AppendJSON(nil)) > entry.MaxLine-room {
		b := req
		if len(res.Content) > len(req.Content) {
			b = res
		}
		b.Content = cutText(b.Content, len(b.Content)/2)
		b.Truncated, b.Reason = true, reasonLineLimit
	}
}

const reasonLineLimit = "line limit"

// deliver writes the batch until each entry of it is delivered or dropped, or
// Close gives up.
func (w *worker) deliver() {
	q := w.q
	defer func() {
		clear(w.batch)
		clear(w.items)
	}()
	for attempt := 0; len(w.batch) > 0; attempt++ {
		if attempt > 0 {
			q.mu.Lock()
			q.stats.Retries++
			q.mu.Unlock()
		}
		before := len(w.batch)
		err := w.write()
		w.account(err)
		if len(w.batch) == 0 {
			break
		}
		if q.ctx.Err() != nil {
			return // Close counts what is left
		}
		if len(w.batch) < before {
			attempt = 0 // it is getting on
		}
		after, _ := RetryAfter(err)
		pause := w.pause(attempt, after)
		q.report.report(classWrite, fmt.Errorf("sink: %d entries not written, trying again in %s: %w",
			len(w.batch), pause.Round(time.Millisecond), err))
		if !w.rest(pause) {
			return
		}
	}
	q.mu.Lock()
	if !q.gone {
		q.finished += w.settled
		q.notify()
	}
	q.mu.Unlock()
	w.settled = 0
}

// write calls the sink. A panic in it becomes an error.
func (w *worker) write() (err error) {
	ctx, cancel := context.WithTimeout(w.q.ctx, w.q.opts.WriteTimeout)
	defer cancel()
	defer recoverAsError(&err)
	return sound(w.q.sink.Write(ctx, w.batch))
}

// sound returns err if it can be asked what this package asks of an error, and
// panics here, where a panic is caught, if it can not. The usual one that can not
// is a nil pointer of the sink's own error type, returned for "no error".
func sound(err error) error {
	if err == nil {
		return nil
	}
	_ = err.Error()
	IsPermanent(err)
	RetryAfter(err)
	errors.Is(err, ErrSinkDown)
	var partial *PartialError
	if errors.As(err, &partial) {
		for i := range partial.Failed {
			if partial.Failed[i].Err != nil {
				_ = sound(partial.Failed[i].Err)
			}
		}
	}
	return err
}

func recoverAsError(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{Value: r, Stack: debug.Stack()}
	}
}

// account enters what err says of the batch, and leaves in the batch what is to
// be written again.
func (w *worker) account(err error) {
	q := w.q
	if err == nil {
		w.accepted(len(w.batch), w.items)
		w.batch, w.items = w.batch[:0], w.items[:0]
		return
	}
	now := q.opts.Now()
	q.mu.Lock()
	q.stats.LastError, q.stats.LastErrorTime = err.Error(), now
	q.mu.Unlock()

	var partial *PartialError
	isPartial := errors.As(err, &partial)
	if !isPartial && !IsPermanent(err) {
		return
	}
	failed := map[int]error{}
	if isPartial {
		for i := range partial.Failed {
			failed[partial.Failed[i].Index] = partial.Failed[i].Err
		}
	}
	kept, good := 0, 0
	var first [numReasons]error
	var drops [numReasons]int64
	for i, it := range w.items {
		e, why := w.batch[i], err
		if isPartial {
			var bad bool
			if why, bad = failed[i]; !bad {
				w.good = append(w.good, it)
				good++
				continue
			}
		}
		if !IsPermanent(why) {
			w.batch[kept], w.items[kept] = e, it
			kept++
			continue
		}
		r := reasonRefused
		if errors.Is(why, ErrSinkDown) {
			r = reasonSinkDown
		}
		if first[r] == nil {
			first[r] = why
		}
		drops[r]++
		w.dropped(it, e, r)
	}
	w.accepted(good, w.good)
	clear(w.good)
	w.good = w.good[:0]
	clear(w.batch[kept:])
	clear(w.items[kept:])
	w.batch, w.items = w.batch[:kept], w.items[:kept]
	for r, n := range drops {
		if n > 0 {
			q.report.report(classDrop+class(r), &DropError{Reason: reason(r).String(), Count: n, Err: first[r]})
		}
	}
}

// accepted enters n items that the sink has taken.
func (w *worker) accepted(n int, items []item) {
	if n == 0 {
		return
	}
	var entries, gaps, bytes int64
	for i := range items {
		if items[i].gap {
			gaps++
		} else {
			entries++
			bytes += items[i].cost
		}
	}
	w.settled += uint64(entries)
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone {
		return
	}
	q.stats.Batches++
	q.stats.Delivered += entries
	q.stats.Gaps += gaps
	q.inflight -= int(entries)
	q.gapsInflight -= gaps
	q.bytes -= bytes
}

// dropped enters an item that will not be delivered. A gap entry that is refused
// makes no further gap.
func (w *worker) dropped(it item, e *entry.Entry, why reason) {
	if !it.gap {
		w.settled++
	}
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone {
		return
	}
	if it.gap {
		q.stats.GapsLost++
		q.gapsInflight--
		return
	}
	q.inflight--
	q.bytes -= it.cost
	q.drop(why, e.TxID, e.Time, it.cost)
}

// pause is how long to wait before the next attempt: what the sink asked for, or
// the backoff, spread at random so that many processes do not come back at once.
func (w *worker) pause(attempt int, after time.Duration) time.Duration {
	o := &w.q.opts
	d := o.RetryMax
	if attempt < 32 && o.RetryMin<<attempt < d && o.RetryMin<<attempt > 0 {
		d = o.RetryMin << attempt
	}
	d -= rand.N(d/2 + 1)
	if after > 0 {
		after = min(after, maxRetryAfter)
		d = after + rand.N(after/10+1)
	}
	if w.draining() {
		d = min(d, drainPause)
	}
	return d
}

// drainPause bounds the pause between attempts while Close waits.
const drainPause = time.Second

func (w *worker) draining() bool {
	select {
	case <-w.q.draining:
		return true
	default:
		return false
	}
}

// rest waits for d. When Close begins meanwhile it returns early, for one more
// attempt within Close's deadline. It returns false when Close gives up.
func (w *worker) rest(d time.Duration) bool {
	begun := w.q.draining
	if w.draining() {
		begun = nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-begun:
		return true
	case <-w.q.ctx.Done():
		return false
	}
}
