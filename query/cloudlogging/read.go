package cloudloggingquery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/entry"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// pageSize is the largest page that there is.
const pageSize = 1000

// reading is one question to the service, of one or more pages.
type reading struct {
	s     *Source
	reads int // made so far
	// enough is asked after each page whether to stop before the next one.
	enough func() bool
	// stopped says that there would have been more.
	stopped bool
	// spent says that it was MaxReads that stopped it.
	spent bool
}

// errFilter is a question that the service does not take.
var errFilter = errors.New("cloudloggingquery: the filter is too long for the service, ask for less at a time")

// pages yields what matches, a page at a time. The first error ends it.
func (r *reading) pages(ctx context.Context, filter, order string) iter.Seq2[[]*loggingpb.LogEntry, error] {
	return func(yield func([]*loggingpb.LogEntry, error) bool) {
		if n := len([]rune(filter)); n > maxFilter {
			yield(nil, fmt.Errorf("%w: %d characters, of at most %d", errFilter, n, maxFilter))
			return
		}
		req := &loggingpb.ListLogEntriesRequest{ResourceNames: r.s.names, Filter: filter, OrderBy: order, PageSize: pageSize}
		for token := ""; ; {
			page, next, err := r.page(ctx, req, token)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || next == "" {
				return
			}
			r.spent = r.reads >= r.s.opts.MaxReads
			if r.spent || r.enough != nil && r.enough() {
				r.stopped = true
				return
			}
			token = next
		}
	}
}

// page makes one read. Where the quota is used up, by others perhaps, it waits. What
// may be over in a moment is tried again, and no more than that: who asks must not be
// left without an answer by an address at which nobody is.
func (r *reading) page(ctx context.Context, req *loggingpb.ListLogEntriesRequest, token string) ([]*loggingpb.LogEntry, string, error) {
	for tries := 1; ; {
		if err := r.s.budget.take(ctx); err != nil {
			return nil, "", err
		}
		r.reads++
		page, next, err := r.fetch(ctx, req, token)
		if err == nil {
			return page, next, nil
		}
		if d, ok := ctx.Deadline(); ok && status.Code(err) == codes.DeadlineExceeded && time.Until(d) < time.Second {
			<-ctx.Done() // gRPC has a timer of its own, which may be a moment ahead
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		switch code := status.Code(err); {
		case code == codes.ResourceExhausted:
			r.s.budget.exhausted(quotaWait(err))
			continue
		case tries < maxTries && (code == codes.Unavailable || code == codes.Internal || code == codes.Aborted):
		default:
			return nil, "", r.s.explain(err)
		}
		if err := pause(ctx, time.Duration(tries)*triesPause); err != nil {
			return nil, "", err
		}
		tries++
	}
}

const (
	maxTries   = 3
	triesPause = 250 * time.Millisecond // before the second try; twice that before the third
	// fetchTimeout bounds one read: what the client library has as its default.
	fetchTimeout = time.Minute
)

// fetch makes one call. The client's own retries, which tell nobody and go on for as
// long as ctx, are switched off.
func (r *reading) fetch(ctx context.Context, req *loggingpb.ListLogEntriesRequest, token string) ([]*loggingpb.LogEntry, string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	return r.s.client.ListLogEntries(ctx, req, once()).InternalFetch(int(req.PageSize), token)
}

// once makes the client try a call once.
func once() gax.CallOption { return gax.WithRetry(func() gax.Retryer { return nil }) }

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quotaWait is how long to wait for the quota: what the service asks for, but no longer
// than its minute, by which the quota is counted.
func quotaWait(err error) time.Duration {
	const otherwise = 10 * time.Second
	st, _ := status.FromError(err)
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok && r.GetRetryDelay().AsDuration() > 0 {
			return min(r.GetRetryDelay().AsDuration(), time.Minute)
		}
	}
	return otherwise
}

// explain says what to do about an error that only a person mends.
func (s *Source) explain(err error) error {
	remedy := ""
	switch status.Code(err) {
	case codes.Unauthenticated:
		return fmt.Errorf("cloudloggingquery: %s: no credentials: run gcloud auth application-default login (%w): %w", s.opts.Name, fs.ErrPermission, err)
	case codes.PermissionDenied:
		// What one may not see is not there, says the service, and the other way round.
		grant := "there is no such project, or grant roles/logging.viewer on it to your account"
		if len(s.opts.Views) > 0 {
			grant = "there is no such view, or grant roles/logging.viewAccessor on it or its project to your account (roles/logging.viewer reads the buckets _Required and _Default alone)"
		}
		return fmt.Errorf("cloudloggingquery: %s: %s (%w): %w", s.opts.Name, grant, fs.ErrPermission, err)
	case codes.NotFound:
		remedy = "no such project or view, look at gcl:PROJECT: "
	case codes.Unimplemented:
		remedy = "what answers there is not Cloud Logging, look at the endpoint: "
	case codes.Unavailable:
		remedy = "can not be reached: "
		if look := cloudloggingsink.Unreachable(err); look != "" {
			remedy = look + ": "
		}
	case codes.ResourceExhausted:
		remedy = "quota exceeded (of a project: 60 reads a minute, 10 sessions of tail at a time): "
	case codes.DeadlineExceeded:
		remedy = "no answer, ask for a shorter time or for less: "
	}
	return fmt.Errorf("cloudloggingquery: %s: %s%w", s.opts.Name, remedy, err)
}

// entries decodes pages, and joins the parts of split entries.
func (r *reading) entries(ctx context.Context, filter, order string) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		var j joiner
		for page, err := range r.pages(ctx, filter, order) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, le := range page {
				e, err := j.add(le)
				if (e != nil || err != nil) && !yield(e, err) {
					return
				}
			}
		}
		if len(j.parts) == 0 {
			return
		}
		// Parts that the filter, or a page's end, left behind: asked for by themselves.
		for e, err := range r.rest(ctx, &j, j.uids()) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// maxUIDs bounds one question for parts, for the filter's length's sake.
const maxUIDs = 50

// rest reads the missing parts of some of what a joiner holds, and yields everything it
// has of them.
func (r *reading) rest(ctx context.Context, j *joiner, uids []string) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		for some := range slices.Chunk(uids, maxUIDs) {
			if r.reads >= r.s.opts.MaxReads {
				r.spent, r.stopped = true, true
				break
			}
			from, to := j.span(some)
			var c conditions
			c.since(from)
			c.add("timestamp<=%s", stamp(to))
			c.add("(split.uid=%s OR jsonPayload.split.uid=%[1]s)", oneOf(some))
			more := &reading{s: r.s, reads: r.reads}
			for page, err := range more.pages(ctx, c.String(), "timestamp asc") {
				if err != nil {
					if !yield(nil, err) {
						return
					}
					break
				}
				for _, le := range page {
					e, err := j.add(le)
					if (e != nil || err != nil) && !yield(e, err) {
						return
					}
				}
			}
			r.reads = more.reads
			r.spent, r.stopped = r.spent || more.spent, r.stopped || more.stopped
		}
		why := "still being written, or excluded"
		if r.spent {
			why = "they were not read"
		}
		for e, err := range j.incomplete(uids, why) {
			if e != nil && !yield(e, nil) || err != nil && !yield(nil, err) {
				return
			}
		}
	}
}

// decode reads a LogEntry that is whole; one that is not ours is left out.
func decode(le *loggingpb.LogEntry) (*entry.Entry, error) {
	e, err := cloudloggingsink.Decode(le)
	if errors.Is(err, cloudloggingsink.ErrForeign) {
		return nil, nil //nolint:nilnil // nothing, and nothing wrong
	}
	return e, err
}
