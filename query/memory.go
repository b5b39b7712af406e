package query

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// MemorySource is a [Source] of entries in memory: for tests, for an example that
// reads its own trail, and for whoever has entries from elsewhere. It is safe for
// concurrent use. Its memory is the user's business: nothing is ever dropped.
type MemorySource struct {
	mu      sync.Mutex
	entries []*entry.Entry
	grown   chan struct{} // closed when entries are added, and replaced
}

// Memory returns a source of these entries. They must be sealed.
func Memory(entries []*entry.Entry) *MemorySource {
	m := &MemorySource{grown: make(chan struct{})}
	m.Add(entries...)
	return m
}

// Add appends entries; those who follow by Tail see them.
func (m *MemorySource) Add(entries ...*entry.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, entries...)
	close(m.grown)
	m.grown = make(chan struct{})
}

// from returns the entries from index i on and the channel that tells of more.
func (m *MemorySource) from(i int) ([]*entry.Entry, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[i:len(m.entries):len(m.entries)], m.grown
}

// Name implements [Source].
func (m *MemorySource) Name() string { return "memory" }

// Lookup implements [Source].
func (m *MemorySource) Lookup(ctx context.Context, prefix string) (*Result, error) {
	entries, _ := m.from(0)
	r, err := CollectLookup(ctx, stream(entries), prefix)
	return m.cover(r, entries), err
}

// Find implements [Source].
func (m *MemorySource) Find(ctx context.Context, f Filter) (*Result, error) {
	entries, _ := m.from(0)
	r, err := Collect(ctx, stream(entries), f)
	return m.cover(r, entries), err
}

func (m *MemorySource) cover(r *Result, entries []*entry.Entry) *Result {
	if r == nil {
		return nil
	}
	r.Coverage.Source = m.Name()
	for _, e := range entries {
		if r.Coverage.From.IsZero() || e.Time.Before(r.Coverage.From) {
			r.Coverage.From = e.Time
		}
		if e.Time.After(r.Coverage.To) {
			r.Coverage.To = e.Time
		}
		r.Coverage.Bytes += int64(len(e.Line()))
	}
	return r
}

// Tail implements [Source].
func (m *MemorySource) Tail(ctx context.Context, f Filter) iter.Seq2[*entry.Entry, error] {
	start := 0
	if f.Since.IsZero() {
		old, _ := m.from(0)
		start = len(old)
	}
	f.Until = time.Time{}
	return func(yield func(*entry.Entry, error) bool) {
		seen := make(map[string]struct{})
		for i := start; ; {
			fresh, grown := m.from(i)
			n := len(fresh)
			if i == 0 && !f.Since.IsZero() {
				fresh = slices.SortedStableFunc(slices.Values(fresh), Compare)
			}
			for _, e := range fresh {
				if ctx.Err() != nil {
					return
				}
				if f.Match(e) && !duplicate(seen, e) && !yield(e, nil) {
					return
				}
			}
			i += n
			select {
			case <-ctx.Done():
				return
			case <-grown:
			}
		}
	}
}

func stream(entries []*entry.Entry) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}
