package cloudloggingquery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	logging "cloud.google.com/go/logging/apiv2"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/txid"
)

// Source reads one project, or log views. It is safe for concurrent use.
type Source struct {
	opts   Options
	names  []string
	client *logging.Client
	budget *budget
	keep   keeper
}

var (
	_ query.Source   = (*Source)(nil)
	_ query.Gatherer = (*Source)(nil)
)

// Open returns a source. It makes no call. The error wraps [ErrOptions], or is the
// client's: credentials that can not be found, say, which is an [fs.ErrPermission].
func Open(ctx context.Context, opts *Options) (*Source, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	s := &Source{opts: o, names: slices.Clone(o.Views), client: o.Client}
	if len(s.names) == 0 {
		s.names = []string{"projects/" + o.ProjectID}
	}
	s.budget = newBudget(o.Budget, o.OnWait)
	s.keep = keeper{ttl: o.Keep}
	if s.client == nil {
		access := cloudloggingsink.Access{Endpoint: o.Endpoint, QuotaProject: o.QuotaProject, Insecure: o.Insecure}
		dial := append(access.ClientOptions(), o.ClientOptions...)
		if s.client, err = logging.NewClient(ctx, dial...); err != nil {
			if !cloudloggingsink.NoCredentials(err) {
				return nil, fmt.Errorf("%w: look at Endpoint and ClientOptions: %w", ErrOptions, err)
			}
			return nil, fmt.Errorf("cloudloggingquery: no credentials: run gcloud auth application-default login, or look at the file that GOOGLE_APPLICATION_CREDENTIALS names (%w): %w", fs.ErrPermission, err)
		}
	}
	return s, nil
}

// Close lets the source's own client go.
func (s *Source) Close() error {
	if s.opts.Client != nil {
		return nil
	}
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("cloudloggingquery: %w", err)
	}
	return nil
}

// Name implements [query.Source].
func (s *Source) Name() string { return s.opts.Name }

// begin starts the conditions of a question: ours, and since when. Entries of the
// sink's clock may be a day ahead, so there is no end.
func (s *Source) begin(since time.Time) (conditions, time.Time) {
	if since.IsZero() {
		since = s.opts.Now().Add(-s.opts.Range)
	}
	c := conditions{ours(s.opts.LogID)}
	c.since(since)
	return c, since
}

// Lookup implements [query.Source]. A whole UUID is looked up by equality, for which
// there is an index; what is shorter, or no UUID, by its beginning.
func (s *Source) Lookup(ctx context.Context, prefix string) (*query.Result, error) {
	if err := query.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	return s.keep.answer(ctx, "lookup "+prefix, func() (*query.Result, error) {
		c, since := s.begin(time.Time{})
		if isWhole(prefix) {
			c = append(c, sameID([]txid.ID{txid.ID(prefix)}))
		} else {
			c = append(c, beginsWith(prefix))
		}
		r := &reading{s: s}
		return s.answer(ctx, r, since, r.entries(ctx, c.String(), "timestamp asc"), func(seq iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
			return query.CollectLookup(ctx, seq, prefix)
		})
	})
}

// maxIDs bounds one question of Gather, for the filter's length's sake.
const maxIDs = 100

// Gather implements [query.Gatherer].
func (s *Source) Gather(ctx context.Context, ids []txid.ID) ([]*query.Result, error) {
	for _, id := range ids {
		if err := query.CheckPrefix(string(id)); err != nil {
			return nil, err
		}
	}
	var all []*query.Result
	for some := range slices.Chunk(ids, maxIDs) {
		c, since := s.begin(time.Time{})
		c = append(c, sameID(some))
		r := &reading{s: s}
		var rs []*query.Result
		whole, err := s.answer(ctx, r, since, r.entries(ctx, c.String(), "timestamp asc"), func(seq iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
			var err error
			if rs, err = query.CollectGather(ctx, seq, some); err != nil {
				return nil, err
			}
			sum := &query.Result{Entries: slices.Concat(entriesOf(rs)...), Warnings: rs[0].Warnings}
			return sum, nil
		})
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			r.Coverage, r.Warnings = whole.Coverage, whole.Warnings
			r.More = r.More || whole.More
		}
		all = append(all, rs...)
	}
	return all, nil
}

func entriesOf(rs []*query.Result) (lists [][]*entry.Entry) {
	for _, r := range rs {
		lists = append(lists, r.Entries)
	}
	return lists
}

// Find implements [query.Source]. With a limit it reads, from the newest on, whole
// pages until there are enough: Result.Matched counts what was read, and More says
// whether there was an end.
func (s *Source) Find(ctx context.Context, f query.Filter) (*query.Result, error) {
	if f.TxID != "" {
		if err := query.CheckPrefix(f.TxID); err != nil {
			return nil, err
		}
	}
	return s.keep.answer(ctx, fmt.Sprintf("find %#v", f), func() (*query.Result, error) {
		c, since := s.begin(f.Since)
		c.until(f.Until)
		translate(&c, &f)
		r := &reading{s: s}
		if f.Limit > 0 {
			matched := 0
			r.enough = func() bool { return matched >= f.Limit }
			seq := r.entries(ctx, c.String(), "timestamp desc")
			return s.answer(ctx, r, since, func(yield func(*entry.Entry, error) bool) {
				for e, err := range seq {
					if e != nil && f.Match(e) {
						matched++ // those written twice included: the answer may be one short of a page more
					}
					if !yield(e, err) {
						return
					}
				}
			}, collect(ctx, f))
		}
		return s.answer(ctx, r, since, r.entries(ctx, c.String(), "timestamp desc"), collect(ctx, f))
	})
}

func collect(ctx context.Context, f query.Filter) func(iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
	return func(seq iter.Seq2[*entry.Entry, error]) (*query.Result, error) { return query.Collect(ctx, seq, f) }
}

// answer collects a stream. An error before anything was read is the answer's; a
// later one makes it partial.
func (s *Source) answer(ctx context.Context, r *reading, since time.Time, seq iter.Seq2[*entry.Entry, error],
	gather func(iter.Seq2[*entry.Entry, error]) (*query.Result, error),
) (*query.Result, error) {
	var failed error
	read := false
	result, err := gather(func(yield func(*entry.Entry, error) bool) {
		for e, err := range seq {
			if err != nil && !read && isService(err) {
				failed = err
				return
			}
			read = read || e != nil
			if e != nil && !yield(e, nil) || err != nil && !yield(nil, err) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return nil, err
	case failed != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case failed != nil:
		return nil, failed
	}
	result.More = result.More || r.stopped
	if r.spent {
		result.Warnings = append(result.Warnings, query.Warning{
			Where: s.opts.Name, What: fmt.Sprintf("stopped after %d reads of the %d a minute that the service allows: ask for a shorter time, or for less", r.reads, ReadsPerMinute),
		})
	}
	result.Coverage = query.Coverage{Source: s.opts.Name, From: since, To: s.opts.Now()}
	if len(result.Entries) == 0 && s.budget.plenty() {
		if result.Coverage.From, result.Coverage.To, err = s.covered(ctx); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// isService tells an answer that did not come from an entry that can not be read.
func isService(err error) bool {
	_, ok := status.FromError(err)
	return ok || errors.Is(err, errFilter)
}

// covered is what there is: who finds nothing must know where it was looked. It costs
// two reads, which are made where there are plenty; else it is what was looked at.
func (s *Source) covered(ctx context.Context) (from, to time.Time, err error) {
	c, _ := s.begin(time.Time{})
	edge := func(order string) (time.Time, error) {
		r := &reading{s: s}
		page, _, err := r.page(ctx, s.first(c.String(), order), "")
		if err != nil || len(page) == 0 {
			return time.Time{}, err
		}
		return page[0].GetTimestamp().AsTime(), nil
	}
	return s.keep.edges(func() (time.Time, time.Time, error) {
		from, err := edge("timestamp asc")
		if err != nil || from.IsZero() {
			return from, from, err
		}
		to, err := edge("timestamp desc")
		return from, to, err
	})
}
