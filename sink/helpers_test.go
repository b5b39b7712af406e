package sink_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

// faulty is a sink in memory that fails as its function says. The function is
// called before each Write, with the number of the attempt, from 0; nil lets the
// Write happen, a *sink.PartialError the part that it does not name.
type faulty struct {
	sinktest.Memory
	fault func(ctx context.Context, attempt int, batch []*entry.Entry) error

	mu       sync.Mutex
	attempts [][]string // InsertIDs of each
	entered  chan struct{}
}

// holding returns a sink whose Writes wait until release is called. It closes
// entered when the first of them begins.
func holding() (f *faulty, release func()) {
	gate := make(chan struct{})
	f = &faulty{entered: make(chan struct{})}
	f.fault = func(_ context.Context, n int, _ []*entry.Entry) error {
		if n == 0 {
			close(f.entered)
		}
		<-gate
		return nil
	}
	return f, func() { close(gate) }
}

func (f *faulty) Write(ctx context.Context, batch []*entry.Entry) error {
	f.mu.Lock()
	n := len(f.attempts)
	var ids []string
	for _, e := range batch {
		ids = append(ids, e.InsertID)
	}
	f.attempts = append(f.attempts, ids)
	f.mu.Unlock()
	var err error
	if f.fault != nil {
		err = f.fault(ctx, n, batch)
	}
	if err == nil {
		return f.Memory.Write(ctx, batch)
	}
	var partial *sink.PartialError
	if errors.As(err, &partial) {
		bad := map[int]bool{}
		for _, fl := range partial.Failed {
			bad[fl.Index] = true
		}
		for i, e := range batch {
			if !bad[i] {
				if err := f.Memory.Write(ctx, []*entry.Entry{e}); err != nil {
					return err
				}
			}
		}
	}
	return err
}

func (f *faulty) tried() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([][]string(nil), f.attempts...)
}

// errorLog collects what OnError is told.
type errorLog struct {
	mu   sync.Mutex
	errs []error
}

func (l *errorLog) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *errorLog) all() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]error(nil), l.errs...)
}

// drops returns the sum of the drops told of, by reason.
func (l *errorLog) drops() map[string]int64 {
	sum := map[string]int64{}
	for _, err := range l.all() {
		var d *sink.DropError
		if errors.As(err, &d) {
			sum[d.Reason] += d.Count
		}
	}
	return sum
}

func newQueue(t *testing.T, s sink.Sink, opts *sink.QueueOptions) *sink.Queue {
	t.Helper()
	var o sink.QueueOptions
	if opts != nil {
		o = *opts
	}
	if o.OnError == nil {
		o.OnError = func(err error) { t.Logf("OnError: %v", err) }
	}
	q, err := sink.NewQueue(s, &o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func mustClose(t *testing.T, q *sink.Queue) {
	t.Helper()
	if err := q.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// logEntry makes an entry that differs from others by i.
func logEntry(i int) *entry.Entry {
	return &entry.Entry{
		TxID: txid.ID(fmt.Sprintf("transaction-%06d", i)), Kind: entry.KindLog,
		Severity: entry.SeverityInfo, Logger: fmt.Sprint(i),
	}
}

// balance checks the account.
func balance(s sink.Stats) error {
	if s.Captured != s.Delivered+s.Waiting+s.DroppedTotal() {
		return fmt.Errorf("the account does not balance: captured %d, delivered %d, waiting %d, dropped %v",
			s.Captured, s.Delivered, s.Waiting, s.Dropped)
	}
	if s.Waiting < 0 || s.WaitingBytes < 0 || s.WaitingBytes > s.MaxBytes || s.Waiting == 0 && s.WaitingBytes != 0 {
		return fmt.Errorf("waiting %d, %d bytes of at most %d", s.Waiting, s.WaitingBytes, s.MaxBytes)
	}
	return nil
}
