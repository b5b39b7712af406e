package journalquery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// Options of a [Source]. Nil means the defaults.
type Options struct {
	// Name is how the source calls itself. Default "journal:" and the folder as it
	// was given.
	Name string
	// Poll is how often Tail looks for new lines. Default 200 ms.
	Poll time.Duration
}

// Source reads one folder. It is safe for concurrent use and need not be closed.
type Source struct {
	name   string
	poll   time.Duration
	reader *journalsink.Reader
}

var _ query.Gatherer = (*Source)(nil)

// ErrOptions is returned, wrapped, by [Open] for options that can not work.
var ErrOptions = errors.New("journalquery: invalid options")

// Open returns a source of the folder dir. The folder must exist: the error of one
// that does not, or that may not be read, satisfies errors.Is with fs.ErrNotExist
// or fs.ErrPermission.
func Open(dir string, opts *Options) (*Source, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Poll < 0 {
		return nil, fmt.Errorf("%w: Poll is %v, want 0 for the default or a positive duration", ErrOptions, o.Poll)
	}
	if o.Name == "" {
		o.Name = "journal:" + dir
	}
	r, err := journalsink.OpenReader(dir, nil)
	if err != nil {
		return nil, fmt.Errorf("journalquery: %w", err)
	}
	return &Source{name: o.Name, poll: o.Poll, reader: r}, nil
}

// Name implements [query.Source].
func (s *Source) Name() string { return s.name }

// Lookup implements [query.Source].
func (s *Source) Lookup(ctx context.Context, prefix string) (*query.Result, error) {
	if err := query.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	return s.answer(ctx, s.reader.Lookup(ctx, prefix), func(seq iter.Seq2[*entry.Entry, error]) (*query.Result, error) {
		return query.CollectLookup(ctx, seq, prefix)
	})
}

// answer collects a stream. The reader's own error means that the folder can not
// be read, and is the answer's; damage is told by its coverage.
func (s *Source) answer(ctx context.Context, seq iter.Seq2[*entry.Entry, error],
	collect func(iter.Seq2[*entry.Entry, error]) (*query.Result, error),
) (*query.Result, error) {
	var failed error
	// What the dead were serving, as long as no journal has written it down. First, since
	// one may do that meanwhile. An error is the stream's too.
	crashed, _ := s.reader.Crashed()
	r, err := collect(func(yield func(*entry.Entry, error) bool) {
		for _, e := range crashed {
			if !yield(e, nil) {
				return
			}
		}
		for e, err := range seq {
			if err != nil {
				failed = err
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return nil, err
	case failed != nil:
		return nil, fmt.Errorf("journalquery: %w", failed)
	}
	c, err := s.reader.Coverage(ctx)
	if err != nil {
		return nil, fmt.Errorf("journalquery: %w", err)
	}
	r.Coverage = query.Coverage{Source: s.name, Files: c.Files, Bytes: c.Bytes, From: c.From, To: c.To}
	for _, d := range c.Damaged {
		if costly(d) {
			r.Warnings = append(r.Warnings, query.Warning{Where: d.File, What: what(d), Err: d.Err})
		}
	}
	return r, nil
}

// costly reports whether a damage may have cost an entry that was written. A last
// line without its end is being written, or belongs to a request that nobody was
// told the end of; a missing index costs time; a foreign file is not ours.
func costly(d journalsink.Damage) bool {
	return !errors.Is(d.Err, journalsink.ErrUnfinished) &&
		!errors.Is(d.Err, journalsink.ErrIndex) &&
		!errors.Is(d.Err, journalsink.ErrForeign)
}

func what(d journalsink.Damage) string {
	s := fmt.Sprintf("at byte %d: %v", d.Offset, d.Err)
	if d.Lines == 1 {
		s += ", 1 line lost"
	} else if d.Lines > 1 {
		s += fmt.Sprintf(", %d lines lost", d.Lines)
	}
	return s
}

// Tail implements [query.Source].
func (s *Source) Tail(ctx context.Context, f query.Filter) iter.Seq2[*entry.Entry, error] {
	opts := journalsink.TailOptions{Poll: s.poll, Since: f.Since, Match: scanOf(&f).Match}
	seq := s.reader.Tail(ctx, opts)
	f.Until = time.Time{}
	return func(yield func(*entry.Entry, error) bool) {
		for e, err := range seq {
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				if !yield(nil, fmt.Errorf("journalquery: %w", err)) {
					return
				}
			case f.Match(e):
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
