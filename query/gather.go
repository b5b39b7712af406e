package query

import (
	"context"
	"iter"
	"slices"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Gatherer is a [Source] that looks several transactions up in one pass, for a list
// of stories: where each look-up costs a request, or a walk over a thousand files,
// thirty of them should not cost thirty times as much. Ask for it with [Gather].
type Gatherer interface {
	Source
	// Gather returns a Result for each of ids, in their order: the entries with
	// exactly that txid, in time order. Each stops after MaxLookup entries, and all
	// of them together after MaxLookupBytes; More then says so. Coverage and
	// Warnings are those of the whole pass. An id that no txid can be is an error
	// that wraps ErrPrefix.
	Gather(ctx context.Context, ids []txid.ID) ([]*Result, error)
}

// Gather looks several transactions up: in one pass where src is a [Gatherer], else
// one by one.
func Gather(ctx context.Context, src Source, ids []txid.ID) ([]*Result, error) {
	if g, ok := src.(Gatherer); ok {
		return g.Gather(ctx, ids)
	}
	rs := make([]*Result, len(ids))
	for i, id := range ids {
		r, err := src.Lookup(ctx, string(id))
		if err != nil {
			return nil, err
		}
		r.Entries = slices.DeleteFunc(r.Entries, func(e *entry.Entry) bool { return e.TxID != id })
		r.Matched = len(r.Entries)
		rs[i] = r
	}
	return rs, nil
}

// CollectGather reads a stream of entries and keeps those of ids, by the rules and
// the bounds of [Gatherer].
func CollectGather(ctx context.Context, seq iter.Seq2[*entry.Entry, error], ids []txid.ID) ([]*Result, error) {
	return collectGather(ctx, seq, ids, MaxLookupBytes)
}

func collectGather(ctx context.Context, seq iter.Seq2[*entry.Entry, error], ids []txid.ID, room int) ([]*Result, error) {
	of := make(map[txid.ID]*Result, len(ids))
	for _, id := range ids {
		if err := CheckPrefix(string(id)); err != nil {
			return nil, err
		}
		of[id] = &Result{}
	}
	var all Result // its warnings
	seen := make(map[string]struct{})
	for e, err := range seq {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			all.warn(err)
			continue
		}
		r := of[e.TxID]
		if r == nil || r.More || duplicate(seen, e) {
			continue
		}
		if r.Matched == MaxLookup || len(e.Line()) > room {
			r.More = true
			continue
		}
		room -= len(e.Line())
		r.Matched++
		r.Entries = append(r.Entries, e)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	rs := make([]*Result, len(ids))
	for i, id := range ids {
		r := *of[id] // an id that is given twice has two results
		r.Entries = slices.Clone(r.Entries)
		slices.SortFunc(r.Entries, Compare)
		r.Warnings = all.Warnings
		rs[i] = &r
	}
	return rs, nil
}
