package query

import (
	"context"
	"slices"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Found is what a prefix of a txid leads to.
type Found struct {
	Stories []*Story // one per txid, the oldest first
	Result  *Result  // of the look-up: what was searched, what could not be read
}

// gapMargin is how far around a story its gaps are looked for: a gap entry is
// written once there is room again.
const gapMargin = time.Minute

// Load looks prefix up in src and tells the story of each txid found, with the
// gaps that overlap a single one. Without a match Stories is empty and the error
// nil.
func Load(ctx context.Context, src Source, prefix string) (*Found, error) {
	r, err := src.Lookup(ctx, prefix)
	if err != nil {
		return nil, err
	}
	f := &Found{Result: r}
	groups := Group(r.Entries)
	if len(groups) == 1 && !r.More {
		opts := &StoryOptions{}
		s := NewStory(groups[0], nil)
		gaps, err := src.Find(ctx, Filter{
			Kinds: []entry.Kind{entry.KindGap},
			Since: s.Start.Add(-gapMargin), Until: s.Start.Add(s.Duration + gapMargin), Limit: 100,
		})
		if err != nil {
			return nil, err
		}
		for _, g := range gaps.Entries {
			if g.TxID == "" {
				opts.Gaps = append(opts.Gaps, g)
			}
		}
		if len(opts.Gaps) > 0 {
			s = NewStory(groups[0], opts)
		}
		f.Stories = []*Story{s}
		return f, nil
	}
	for _, g := range groups {
		f.Stories = append(f.Stories, NewStory(g, &StoryOptions{Excerpt: r.More}))
	}
	return f, nil
}

// Group divides entries by their txid, the group with the earliest entry first.
// Entries without a txid belong to no group. The order within a group is the
// order given.
func Group(entries []*entry.Entry) [][]*entry.Entry {
	index := make(map[txid.ID]int)
	var groups [][]*entry.Entry
	for _, e := range entries {
		if e.TxID == "" {
			continue
		}
		i, ok := index[e.TxID]
		if !ok {
			i = len(groups)
			index[e.TxID] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	slices.SortStableFunc(groups, func(a, b []*entry.Entry) int {
		return earliest(a).Compare(earliest(b))
	})
	return groups
}

func earliest(es []*entry.Entry) time.Time {
	t := es[0].Time
	for _, e := range es[1:] {
		if e.Time.Before(t) {
			t = e.Time
		}
	}
	return t
}
