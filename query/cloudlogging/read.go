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

// pages yields what matches, a page at a time. The first error ends it.
func (r *reading) pages(ctx context.Context, filter, order string) iter.Seq2[[]*loggingpb.LogEntry, error] {
	return func(yield func([]*loggingpb.LogEntry, error) bool) {
		if n := len([]rune(filter)); n > maxFilter {
			yield(nil, fmt.Errorf("cloudloggingquery: the filter has %d characters, the service takes %d: ask for less at a time", n, maxFilter))
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

// page makes one read. Where the quota is used up, by others perhaps, it waits.
func (r *reading) page(ctx context.Context, req *loggingpb.ListLogEntriesRequest, token string) ([]*loggingpb.LogEntry, string, error) {
	for {
		if err := r.s.budget.take(ctx); err != nil {
			return nil, "", err
		}
		r.reads++
		page, next, err := r.s.client.ListLogEntries(ctx, req).InternalFetch(int(req.PageSize), token)
		if err == nil {
			return page, next, nil
		}
		if d, ok := ctx.Deadline(); ok && status.Code(err) == codes.DeadlineExceeded && time.Until(d) < time.Second {
			<-ctx.Done() // gRPC has a timer of its own, which may be a moment ahead
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		if status.Code(err) != codes.ResourceExhausted {
			return nil, "", r.s.explain(err)
		}
		wait := retryDelay(err)
		if wait <= 0 {
			wait = 10 * time.Second // the quota is one of a minute
		}
		r.s.budget.exhausted(wait)
	}
}

func retryDelay(err error) time.Duration {
	st, _ := status.FromError(err)
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// explain says what to do about an error that only a person mends.
func (s *Source) explain(err error) error {
	remedy := ""
	switch status.Code(err) {
	case codes.Unauthenticated:
		return fmt.Errorf("cloudloggingquery: %s: no credentials: run gcloud auth application-default login (%w): %w", s.opts.Name, fs.ErrPermission, err)
	case codes.PermissionDenied:
		return fmt.Errorf("cloudloggingquery: %s: grant roles/logging.viewer on it to your account (%w): %w", s.opts.Name, fs.ErrPermission, err)
	case codes.NotFound:
		remedy = "no such project or view: "
	case codes.Unimplemented:
		remedy = "what answers there is not Cloud Logging, look at the endpoint: "
	case codes.Unavailable:
		remedy = "can not be reached: "
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
		for e, err := range r.rest(ctx, &j) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// maxUIDs bounds one question for parts, for the filter's length's sake.
const maxUIDs = 50

// rest reads the missing parts of what a joiner holds, and yields everything it has.
func (r *reading) rest(ctx context.Context, j *joiner) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		for uids := range slices.Chunk(j.uids(), maxUIDs) {
			from, to := j.span(uids)
			var c conditions
			c.since(from)
			c.add("timestamp<=%s", stamp(to))
			c.add("(split.uid=%s OR jsonPayload.split.uid=%[1]s)", oneOf(uids))
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
		}
		for e, err := range j.incomplete() {
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
