package query

import (
	"container/heap"
	"context"
	"iter"
	"slices"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Collect reads a stream of entries to its end and keeps what f wants, by the
// rules of Source.Find: a Source that can iterate has its Find in one line.
// Entries with an insertId seen before are dropped. The memory held is that of
// f.Limit entries, and 100 bytes or so for each one that matched.
//
// An error in the stream becomes a Warning, except that the context's ends it.
func Collect(ctx context.Context, seq iter.Seq2[*entry.Entry, error], f Filter) (*Result, error) {
	r := &Result{}
	var kept oldestFirst
	seen := make(map[string]struct{})
	for e, err := range seq {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			r.warn(err)
			continue
		}
		if !f.Match(e) || duplicate(seen, e) {
			continue
		}
		r.Matched++
		if f.Brief {
			e = brief(e)
		}
		heap.Push(&kept, e)
		if f.Limit > 0 && len(kept) > f.Limit {
			heap.Pop(&kept)
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.Entries = kept
	slices.SortFunc(r.Entries, Compare)
	if f.NewestFirst {
		slices.Reverse(r.Entries)
	}
	return r, nil
}

// CollectLookup reads a stream of entries and keeps those of the txids that begin
// with prefix, by the rules and the bounds of Source.Lookup.
func CollectLookup(ctx context.Context, seq iter.Seq2[*entry.Entry, error], prefix string) (*Result, error) {
	return collectLookup(ctx, seq, prefix, MaxLookupBytes)
}

func collectLookup(ctx context.Context, seq iter.Seq2[*entry.Entry, error], prefix string, room int) (*Result, error) {
	if err := CheckPrefix(prefix); err != nil {
		return nil, err
	}
	r := &Result{}
	f := Filter{TxID: prefix}
	seen := make(map[string]struct{})
	ids := make(map[txid.ID]struct{})
	for e, err := range seq {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			r.warn(err)
			continue
		}
		if !f.Match(e) || duplicate(seen, e) {
			continue
		}
		if _, known := ids[e.TxID]; !known && len(ids) == MaxCandidates || r.Matched == MaxLookup || len(e.Line()) > room {
			r.More = true
			break
		}
		room -= len(e.Line())
		ids[e.TxID] = struct{}{}
		r.Matched++
		r.Entries = append(r.Entries, e)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	slices.SortFunc(r.Entries, Compare)
	return r, nil
}

// brief returns what a list needs of an entry. A copy made by hand, since a copy of
// the struct would hold on to the line.
func brief(e *entry.Entry) *entry.Entry {
	b := &entry.Entry{
		Time: e.Time, TxID: e.TxID, InsertID: e.InsertID, Severity: e.Severity, Kind: e.Kind, Message: e.Message,
		Span: e.Span, Parent: e.Parent, Origin: e.Origin, Refused: e.Refused, Trace: e.Trace,
		HTTP: e.HTTP, Latency: e.Latency, Timings: e.Timings, Error: e.Error, Flags: e.Flags, Facts: e.Facts, Labels: e.Labels,
		Logger: e.Logger, Attributes: e.Attributes, Source: e.Source, Gap: e.Gap, Resource: e.Resource, Redactions: e.Redactions,
	}
	b.Error.Stack = ""
	return b
}

// maxWarnings bounds the Warnings of one Result: a folder of nothing but damage
// must not fill the memory or the screen.
const maxWarnings = 100

func (r *Result) warn(err error) {
	if len(r.Warnings) < maxWarnings {
		r.Warnings = append(r.Warnings, Warning{Err: err})
	}
}

func duplicate(seen map[string]struct{}, e *entry.Entry) bool {
	if e.InsertID == "" {
		return false
	}
	if _, ok := seen[e.InsertID]; ok {
		return true
	}
	seen[e.InsertID] = struct{}{}
	return false
}

// oldestFirst is a heap with the oldest entry on top, where it is dropped first.
type oldestFirst []*entry.Entry

func (h oldestFirst) Len() int           { return len(h) }
func (h oldestFirst) Less(i, j int) bool { return Compare(h[i], h[j]) < 0 }
func (h oldestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *oldestFirst) Push(x any)        { *h = append(*h, x.(*entry.Entry)) }
func (h *oldestFirst) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return x
}
