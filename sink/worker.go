package sink

import (
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// worker is the one goroutine that sanitizes, seals and writes.
type worker struct {
	q     *Queue
	clean cleaner
	seal  entry.Sealer
	spare *gapBook // swapped with the queue's

	taken []item         // of this round, gap entries at the end
	batch []*entry.Entry // of this write
	lent  []*entry.Entry // what Write gets: a sink that sorts or filters in place changes that
	items []item         // beside it
	lines []byte         // canonical lines of the batch
	ids   []byte         // scratch
	good  []item         // scratch
	timer *time.Timer    // of sleep
	hang  *hang
	tries lastTries

	settled uint64 // entries of the batch that were delivered or dropped
}

func newWorker(q *Queue) *worker {
	w := &worker{
		q:     q,
		clean: newCleaner(q.opts.Policy, &q.buffers),
		spare: newGapBook(),
		taken: make([]item, 0, MaxBatch+maxGapIDs+int(numReasons)),
		batch: make([]*entry.Entry, 0, MaxBatch+maxGapIDs+int(numReasons)),
		items: make([]item, 0, MaxBatch+maxGapIDs+int(numReasons)),
		lines: make([]byte, 0, 64<<10),
		timer: time.NewTimer(time.Hour),
	}
	w.timer.Stop()
	w.hang = newHang(q.closed, func(since time.Duration) {
		q.tellDrops()
		q.report.flush()
		q.desert(since)
	}, func(since time.Duration) {
		q.stuck(hangError("", since, q.opts.WriteTimeout))
	})
	return w
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
		case some && (lingered || q.closing || q.count >= MaxBatch || q.urgent()):
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
			pause = q.report.flush()
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
	w.timer.Reset(d)
	defer w.timer.Stop()
	select {
	case <-w.q.wake:
	case <-w.q.ctx.Done():
	case <-w.timer.C:
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

	for i := range gaps.records {
		rec := &gaps.records[i]
		seq++
		w.taken = append(w.taken, item{entry: rec.entry(), seq: seq, gap: true})
	}
	gaps.reset()
	q.tellDrops()
	w.number()
	return noted
}

// tellDrops tells of the entries for which there was no room. The worker can not while
// the sink hangs, so another goroutine may do it.
func (q *Queue) tellDrops() {
	q.mu.Lock()
	n := q.dropped[reasonFull] - q.toldFull
	q.toldFull += n
	q.mu.Unlock()
	if n > 0 {
		q.report.report(classDrop+class(reasonFull), &DropError{Reason: DropFull, Count: n})
	}
}

// stuck enters that a Write does not return.
func (q *Queue) stuck(err error) {
	now := q.opts.Now()
	q.mu.Lock()
	q.stats.LastError, q.stats.LastErrorTime = err.Error(), now
	q.mu.Unlock()
	q.report.report(classWrite, err)
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
		if err := finish(e); err != nil {
			q.report.report(classSanitize, err)
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
		free := w.lines[len(w.lines):cap(w.lines)]
		if err := w.seal.Seal(e, free[:0]); err != nil {
			q.report.report(classDrop+class(reasonInvalid), &DropError{Reason: DropInvalid, Count: 1, Err: err})
			w.dropped(it, e, reasonInvalid)
			e.Release()
			continue
		}
		n := len(e.Line())
		if len(free) > 0 && &e.Line()[0] == &free[0] {
			w.lines = w.lines[:len(w.lines)+n]
		} else {
			// The line has memory of its own; the next ones get a larger piece.
			w.lines = make([]byte, 0, max(2*cap(w.lines), 2*n))
		}
		total += n
		w.batch = append(w.batch, e)
		w.items = append(w.items, it)
	}
	w.clean.sorter.forget() // it may be long until the next batch, and those are raw values
	rest := copy(w.taken, w.taken[i:])
	clear(w.taken[rest:])
	w.taken = w.taken[:rest]
}

// finish has what the entry's lender has left filled in. What that panics with may be
// what it was about to write: it is not told.
func finish(e *entry.Entry) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sink: the lender of an entry panicked in Finish: %T", r)
		}
	}()
	e.Finish()
	return nil
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
