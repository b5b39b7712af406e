package sinktest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	sinktest.Run(t, func(*testing.T) sinktest.Harness {
		m := &sinktest.Memory{}
		return sinktest.Harness{Sink: m, Stored: m.Stored}
	})
}

func TestMemoryWait(t *testing.T) {
	m := &sinktest.Memory{}
	go func() { _ = m.Write(context.Background(), sinktest.Samples(0, 3)) }()
	if err := m.Wait(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := m.Wait(ctx, 4); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 entries, want 4") {
		t.Errorf("Wait for what does not come: %v", err)
	}
	if n := m.Batches(); n != 1 {
		t.Errorf("Batches = %d, want 1", n)
	}
	m.Reset()
	if n := len(m.Lines()); n != 0 {
		t.Errorf("%d lines after Reset", n)
	}
}

// bad breaks the law in one way.
type bad struct {
	*sinktest.Memory
	write func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error
	close func(ctx context.Context, m *sinktest.Memory) error
}

func (b *bad) Write(ctx context.Context, batch []*entry.Entry) error {
	if b.write == nil {
		return b.Memory.Write(ctx, batch)
	}
	return b.write(ctx, b.Memory, batch)
}

func (b *bad) Close(ctx context.Context) error {
	if b.close == nil {
		return b.Memory.Close(ctx)
	}
	return b.close(ctx, b.Memory)
}

// TestSuiteFails shows for each case that a sink which breaks its rule is caught.
func TestSuiteFails(t *testing.T) {
	var retained []*entry.Entry
	closes := 0
	var closing atomic.Int32
	tests := map[string]*bad{
		"empty batch": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			if len(batch) == 0 {
				return errors.New("nothing to write")
			}
			return m.Write(ctx, batch)
		}},
		"accepted is stored": {write: func(context.Context, *sinktest.Memory, []*entry.Entry) error { return nil }},
		"order": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			batch = slices.Clone(batch)
			slices.SortFunc(batch, func(a, b *entry.Entry) int { return strings.Compare(a.InsertID, b.InsertID) })
			return m.Write(ctx, batch)
		}},
		"large batch": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			return m.Write(ctx, batch[:min(len(batch), 1000)])
		}},
		"large entry": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			for _, e := range batch {
				if len(e.Line()) > 1<<18 {
					return errors.New("entry too large")
				}
			}
			return m.Write(ctx, batch)
		}},
		"hostile bytes": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			var plain []*entry.Entry
			for _, e := range batch {
				if !strings.Contains(e.Message, "\x00") {
					plain = append(plain, e)
				}
			}
			return m.Write(ctx, plain)
		}},
		"nothing retained": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			for _, e := range retained {
				if err := m.Write(ctx, []*entry.Entry{e}); err != nil {
					return err
				}
			}
			retained = append(retained[:0], batch...)
			return nil
		}},
		"nothing changed": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			err := m.Write(ctx, batch)
			for _, e := range batch {
				e.HTTP.Route = ""
			}
			return err
		}},
		"unsealed entry": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			for _, e := range batch {
				if !e.Sealed() {
					sinktest.Seal(e)
				}
			}
			return m.Write(ctx, batch)
		}},
		"indexes of a large batch": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			partial := &sink.PartialError{}
			for part := range slices.Chunk(batch, 1000) {
				err := m.Write(ctx, part)
				var p *sink.PartialError
				if errors.As(err, &p) {
					partial.Failed = append(partial.Failed, p.Failed...)
				} else if err != nil {
					return err
				}
			}
			if len(partial.Failed) > 0 {
				return partial
			}
			return nil
		}},
		"canceled context": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			return m.Write(context.WithoutCancel(ctx), batch)
		}},
		"redelivery": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			for _, e := range m.Entries() {
				if len(batch) > 0 && e.InsertID == batch[0].InsertID {
					return errors.New("duplicate key")
				}
			}
			return m.Write(ctx, batch)
		}},
		"concurrent writes": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			if n := len(m.Entries()); n > 0 && n%7 == 0 {
				return nil // lost under load
			}
			return m.Write(ctx, batch)
		}},
		"close twice": {close: func(ctx context.Context, m *sinktest.Memory) error {
			if closes++; closes > 1 {
				return errors.New("closed already")
			}
			return m.Close(ctx)
		}},
		"close at once": {close: func(ctx context.Context, m *sinktest.Memory) error {
			if closing.Add(1) > 1 {
				return errors.New("closing already")
			}
			return m.Close(ctx)
		}},
		"write after close": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			if m.Closed() {
				return errors.New("closed")
			}
			return m.Write(ctx, batch)
		}},
		"close during writes": {write: func(ctx context.Context, m *sinktest.Memory, batch []*entry.Entry) error {
			_ = m.Write(ctx, batch) // says that it was written when it was not
			return nil
		}},
		"close in no time": {close: func(ctx context.Context, m *sinktest.Memory) error {
			if ctx.Err() != nil {
				m.Reset()
			}
			return m.Close(ctx)
		}},
		"blocked destination": {write: func(context.Context, *sinktest.Memory, []*entry.Entry) error {
			return sink.Permanent(errors.New("no answer"))
		}},
	}
	for _, c := range sinktest.Cases() {
		b, ok := tests[c.Name]
		if !ok {
			t.Errorf("no sink breaks the rule %q: the case may be one that cannot fail", c.Name)
			continue
		}
		if c.Reason == "" {
			t.Errorf("the case %q has no reason", c.Name)
		}
		b.Memory = &sinktest.Memory{}
		if err := c.Check(sinktest.Harness{Sink: b, Stored: b.Stored, Block: func() func() { return func() {} }}); err == nil {
			t.Errorf("%s: a sink that breaks the rule passes", c.Name)
		}
	}
}

func ExampleMemory() {
	ctx := context.Background()
	m := &sinktest.Memory{}
	q, err := sink.NewQueue(m, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	q.Enqueue(&entry.Entry{Kind: entry.KindLog, Severity: entry.SeverityInfo, Message: "ready"})
	if err := q.Close(ctx); err != nil {
		fmt.Println(err)
	}
	for _, e := range m.Entries() {
		fmt.Println(e.Kind, e.Severity, e.Sealed())
	}
	// Output: log INFO true
}
