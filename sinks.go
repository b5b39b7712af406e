package txtrail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// other is one of Config.Sinks.
type other struct {
	name string
	sink *lentSink
	// One of the two has it: the ship, where there is a journal, else the branch. A
	// sink that stands alone has neither.
	ship   *sink.Ship
	branch *sink.Branch
	// What the ship reads, and the queue in memory that stands in for both while the
	// journal can not be opened. It stays, for what it holds when that is over.
	journal *lazyJournal
	standIn atomic.Pointer[sink.Branch]
}

// lentSink is a sink of the user's. Until Open has succeeded it is not ours to close.
type lentSink struct {
	sink.Sink
	trail *Trail
}

// Close implements [sink.Sink].
func (l *lentSink) Close(ctx context.Context) error {
	if !l.trail.opened.Load() {
		return nil
	}
	return l.Sink.Close(ctx)
}

// Unwrap implements [sink.Wrapper].
func (l *lentSink) Unwrap() sink.Sink { return l.Sink }

// TakesLines implements [sink.LineTaker].
func (l *lentSink) TakesLines() bool { return sink.TakesLines(l.Sink) }

// auditAge is the default of Ship.MaxAge and Ship.Poll with AuditSinks: a request that
// waits in another process than the one that ships has to wait for both.
const auditAge = 50 * time.Millisecond

// beside makes the user's sinks ready, and returns those that the queue is to write
// to. With a journal there are none: each is behind a Ship that reads the journal.
// Without, each stands behind a Branch, so that one that is slow or away holds up no
// other; one that is alone needs none.
func (t *Trail) beside(qo sink.QueueOptions) ([]sink.Sink, error) {
	var all []*other
	names := make(map[string]int)
	for i, s := range t.config.Sinks {
		if s == nil {
			continue
		}
		o := &other{name: nameOf(s, t.config.Sinks[:i]), sink: &lentSink{Sink: s, trail: t}}
		if first, twice := names[o.name]; twice {
			return nil, fmt.Errorf("%w: Sinks[%d] and Sinks[%d] are both called %q, under which it is remembered what they have got: give one another name with sink.WithName",
				ErrConfig, first, i, o.name)
		}
		names[o.name] = i
		all = append(all, o)
	}
	if t.config.Output == OutputNone && len(all) == 1 {
		return []sink.Sink{all[0].sink}, nil
	}
	t.others = all
	if t.journal == nil {
		return t.branches(qo)
	}
	if c := t.config.Ship; c != nil && c.Name != "" && len(all) > 0 {
		return nil, fmt.Errorf("%w: Ship.Name is %q: each of Sinks has a name of its own; set it with sink.WithName", ErrConfig, c.Name)
	}
	for _, o := range all {
		var so sink.ShipOptions
		if t.config.Ship != nil {
			so = *t.config.Ship
		}
		so.Name = o.name
		so.Follow = true
		if t.config.AuditSinks {
			so.MaxAge, so.Poll = cmp.Or(so.MaxAge, auditAge), cmp.Or(so.Poll, auditAge)
		}
		if so.Resource == nil {
			so.Resource = qo.Resource
		}
		if so.Now == nil {
			so.Now = t.config.Now
		}
		if so.OnError == nil {
			so.OnError = qo.OnError
		}
		var err error
		if o.ship, err = sink.NewShip(t.journal, o.sink, &so); err != nil {
			return nil, err // what was begun ends with the journal
		}
		o.journal = t.journal
		t.journal.others = append(t.journal.others, o)
	}
	t.journal.queue = qo
	return nil, nil
}

// branches puts a queue in memory before each sink.
func (t *Trail) branches(qo sink.QueueOptions) ([]sink.Sink, error) {
	var begun []sink.Sink
	for _, o := range t.others {
		var err error
		if o.branch, err = sink.NewBranch(o.sink, &qo); err != nil {
			return nil, errors.Join(err, closeAll(begun))
		}
		begun = append(begun, o.branch)
	}
	return begun, nil
}

// nameOf returns the name of a sink: its own, or its type with a number for the second
// of them and on, so that others of another type may come and go.
func nameOf(s sink.Sink, before []sink.Sink) string {
	if name := sink.NameOf(s); name != "" {
		return name
	}
	typ := fmt.Sprintf("%T", s)
	n := 1
	for _, b := range before {
		if b != nil && sink.NameOf(b) == "" && fmt.Sprintf("%T", b) == typ {
			n++
		}
	}
	typ = strings.TrimPrefix(typ, "*")
	if n > 1 {
		return fmt.Sprintf("%s#%d", typ, n)
	}
	return typ
}

func (o *other) stats() sink.ShipStats {
	if o.ship == nil {
		return sink.ShipStats{Name: o.name, Stats: o.branch.Stats(), Circuit: sink.CircuitClosed}
	}
	s := o.ship.Stats()
	if b := o.standIn.Load(); b != nil {
		add(&s.Stats, b.Stats())
	}
	return s
}

// add adds the account of a queue that stood in: no entry is in both.
func add(s *sink.Stats, b sink.Stats) {
	s.Captured += b.Captured
	s.Delivered += b.Delivered
	s.Waiting += b.Waiting
	s.WaitingBytes += b.WaitingBytes
	for why, n := range b.Dropped {
		s.Dropped[why] += n
	}
	s.Gaps += b.Gaps
	s.GapsLost += b.GapsLost
	s.Batches += b.Batches
	s.Retries += b.Retries
	if b.LastErrorTime.After(s.LastErrorTime) {
		s.LastError, s.LastErrorTime = b.LastError, b.LastErrorTime
	}
}

func (o *other) visit(visit func(sink.Metric)) {
	if o.ship != nil {
		s := o.stats()
		s.VisitMetrics(visit)
		return
	}
	o.branch.VisitMetrics(func(m sink.Metric) {
		m.Name = "txtrail_branch_" + strings.TrimPrefix(m.Name, "txtrail_queue_")
		m.Labels = append([]string{"sink", o.name}, m.Labels...)
		visit(m)
	})
}

// flush waits until the sink has what the queue has handed over: to the journal, or to
// what stands in for it.
func (o *other) flush(ctx context.Context) error {
	if o.ship == nil {
		return o.branch.Flush(ctx)
	}
	var err error
	if b := o.standIn.Load(); b != nil {
		err = b.Flush(ctx)
	}
	if o.journal.isOpen() {
		err = errors.Join(err, o.ship.Flush(ctx))
	}
	return err
}

// shipped waits until all sinks beside the journal have what the queue has handed over.
type shipped []*other

// Flush implements [sink.Flusher].
func (s shipped) Flush(ctx context.Context) error {
	if len(s) == 1 {
		return s[0].flush(ctx)
	}
	errs := make([]error, len(s))
	var all sync.WaitGroup
	for i, o := range s {
		all.Go(func() { errs[i] = o.flush(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func closeAll(sinks []sink.Sink) error {
	var errs []error
	for _, s := range sinks {
		errs = append(errs, s.Close(context.Background()))
	}
	return errors.Join(errs...)
}
