package journalquery

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// Find implements [query.Source]. What the filter says of columns is answered by the
// columns: only blocks with something that is wanted are decoded. With a limit that is
// exceeded, only those with the newest.
func (s *Source) Find(ctx context.Context, f query.Filter) (*query.Result, error) {
	if f.TxID != "" {
		if err := query.CheckPrefix(f.TxID); err != nil {
			return nil, err
		}
		// The index knows where to look.
		return s.answer(ctx, s.reader.Lookup(ctx, f.TxID), collect(ctx, f))
	}
	opts := scanOf(&f)
	matched := 0
	if f.Limit > 0 && f.Text == "" {
		var from time.Time
		var err error
		if matched, from, err = s.newest(ctx, opts, f.Limit); err != nil {
			return nil, fmt.Errorf("journalquery: %w", err)
		}
		if matched > f.Limit && from.After(opts.Since) {
			opts.Since = from
		}
	}
	r, err := s.answer(ctx, s.reader.Scan(ctx, opts), collect(ctx, f))
	if err != nil {
		return nil, err
	}
	if len(r.Entries) < f.Limit && matched > f.Limit {
		// Some of the newest were one entry, written twice: seen only by their lines.
		return s.answer(ctx, s.reader.Scan(ctx, scanOf(&f)), collect(ctx, f))
	}
	r.Matched = max(r.Matched, matched)
	return r, nil
}

func collect(ctx context.Context, f query.Filter) func(iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
	return func(seq iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
		return query.Collect(ctx, seq, f)
	}
}

// newest counts the rows and returns the time of the last of the newest limit ones.
func (s *Source) newest(ctx context.Context, opts journalsink.ScanOptions, limit int) (matched int, from time.Time, err error) {
	least := int64(math.MinInt64)
	var times []int64 // the newest, and some more
	cut := func() {
		slices.Sort(times)
		times = times[:copy(times, times[max(0, len(times)-limit):])]
		if len(times) == limit {
			least = times[0]
		}
	}
	for row, err := range s.reader.Rows(ctx, opts) {
		if err != nil {
			return 0, from, err
		}
		matched++
		t := int64(math.MinInt64)
		if at := row.Time(); !at.IsZero() {
			t = at.UnixNano()
		}
		if t < least {
			continue
		}
		if times = append(times, t); len(times) >= 2*limit+1000 {
			cut()
		}
	}
	if cut(); matched < limit || least == math.MinInt64 {
		return matched, time.Time{}, nil
	}
	return matched, time.Unix(0, least).UTC(), nil
}

// Rows yields what the columns say of the entries that match f, the newest file first
// and otherwise in no order of time: for a status page, which needs no more. f.TxID,
// f.Text, f.Limit, f.NewestFirst and f.Brief do not apply. An error is the last thing
// that is yielded. A Row is valid until the next one.
func (s *Source) Rows(ctx context.Context, f query.Filter) iter.Seq2[*journalsink.Row, error] {
	return s.reader.Rows(ctx, scanOf(&f))
}

// scanOf returns what to read for a filter. A row of which the filter wants nothing to
// know is not asked for it: columns are decoded when they are first needed.
func scanOf(f *query.Filter) journalsink.ScanOptions {
	opts := journalsink.ScanOptions{Since: f.Since, Until: f.Until, Newest: true}
	g := query.Filter{
		User: f.User, Device: f.Device, ServerUser: f.ServerUser, Services: f.Services, Kinds: f.Kinds, Methods: f.Methods,
		Route: f.Route, Status: f.Status, ErrorTypes: f.ErrorTypes, Failed: f.Failed, MinLatency: f.MinLatency,
	}
	res := entry.Resource{}
	e := entry.Entry{Resource: &res}
	var fill []func(*journalsink.Row)
	need := func(wanted bool, field func(*journalsink.Row)) {
		if wanted {
			fill = append(fill, field)
		}
	}
	need(g.Failed || len(g.Kinds) > 0, func(r *journalsink.Row) { e.Kind = r.Kind() })
	need(g.Failed, func(r *journalsink.Row) { e.Severity = r.Severity() })
	need(g.Failed || len(g.Status) > 0, func(r *journalsink.Row) { e.HTTP.Status = r.Status() })
	need(g.Failed || len(g.ErrorTypes) > 0, func(r *journalsink.Row) { e.Error.Type = r.ErrorType() })
	need(g.User != "", func(r *journalsink.Row) { e.Facts.UserID = r.User() })
	need(g.Device != "", func(r *journalsink.Row) { e.Facts.Device = r.Device() })
	need(g.ServerUser != "", func(r *journalsink.Row) { res.ServerUser = r.ServerUser() })
	need(len(g.Services) > 0, func(r *journalsink.Row) { res.Service = r.Service() })
	need(len(g.Methods) > 0, func(r *journalsink.Row) { e.HTTP.Method = r.Method() })
	need(g.Route != "", func(r *journalsink.Row) { e.HTTP.Route, e.HTTP.URL = r.Route(), urlOf(r.Path()) })
	need(g.MinLatency != 0, func(r *journalsink.Row) { e.Latency = r.Latency() })
	if len(fill) > 0 {
		opts.Match = func(r *journalsink.Row) bool {
			for _, f := range fill {
				f(r)
			}
			return g.Match(&e)
		}
	}
	return opts
}

// urlOf returns a URL that has this path, also where the path has another URL in it.
func urlOf(path string) string {
	if strings.HasPrefix(path, "/") && strings.Contains(path, "://") {
		return "http://h" + path
	}
	return path
}

// Gather implements [query.Gatherer].
func (s *Source) Gather(ctx context.Context, ids []txid.ID) ([]*query.Result, error) {
	prefixes := make([]string, len(ids))
	for i, id := range ids {
		prefixes[i] = string(id)
	}
	var rs []*query.Result
	all, err := s.answer(ctx, s.reader.LookupAll(ctx, prefixes), func(seq iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
		var err error
		rs, err = query.CollectGather(ctx, seq, ids)
		return &query.Result{}, err
	})
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		r.Coverage = all.Coverage
		r.Warnings = append(r.Warnings, all.Warnings...)
	}
	return rs, nil
}
