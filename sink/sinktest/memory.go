package sinktest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Memory is a Sink that keeps its entries in memory, without a bound. Its zero
// value is ready. All methods are safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	entries []*entry.Entry
	batches int
	closed  bool
	changed chan struct{} // closed at the next change; made by who waits
}

// Write keeps copies of the batch.
func (m *Memory) Write(ctx context.Context, batch []*entry.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("sinktest: memory: %w", sink.ErrClosed)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("sinktest: memory: %w", context.Cause(ctx))
	}
	if len(batch) == 0 {
		return nil
	}
	var partial sink.PartialError
	for i, e := range batch {
		own, err := keep(e)
		if err != nil {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Permanent(err)})
			continue
		}
		m.entries = append(m.entries, own)
	}
	m.batches++
	m.wake()
	if len(partial.Failed) > 0 {
		return &partial
	}
	return nil
}

// keep copies an entry by reading its line.
func keep(e *entry.Entry) (*entry.Entry, error) {
	if e == nil || !e.Sealed() {
		return nil, errors.New("sinktest: memory: the entry is not sealed")
	}
	return entry.Parse(e.Line())
}

// Close makes later Writes fail. What was kept stays readable.
func (m *Memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.wake()
	return nil
}

func (m *Memory) wake() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// Entries returns what has been kept so far, in order. The entries are shared
// with later calls: read them only.
func (m *Memory) Entries() []*entry.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*entry.Entry(nil), m.entries...)
}

// Stored returns Entries and nil, as a [Harness] wants it.
func (m *Memory) Stored() ([]*entry.Entry, error) { return m.Entries(), nil }

// Lines returns the canonical lines of Entries.
func (m *Memory) Lines() []string {
	entries := m.Entries()
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = string(e.Line())
	}
	return lines
}

// Batches returns the number of Writes that brought something.
func (m *Memory) Batches() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.batches
}

// Closed reports whether Close has been called.
func (m *Memory) Closed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// Reset forgets what was kept.
func (m *Memory) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries, m.batches = nil, 0
}

// Wait returns when at least n entries are kept, or with an error that says how
// many are, when ctx ends before.
func (m *Memory) Wait(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		have := len(m.entries)
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("sinktest: memory: %d entries, want %d: %w", have, n, context.Cause(ctx))
		}
	}
}
