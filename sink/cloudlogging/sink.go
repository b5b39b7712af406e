package cloudloggingsink

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	logging "cloud.google.com/go/logging/apiv2"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Sink writes entries to one log. It is a [sink.Sink].
type Sink struct {
	opts     Options
	log      string
	resource *monitoredres.MonitoredResource
	client   *logging.Client
	call     []gax.CallOption

	mu      sync.Mutex
	free    *request       // the one of the last Write: a queue or a Ship has one at a time
	writing sync.WaitGroup // Writes that run; added to with mu held
	closed  bool
	ended   chan struct{} // closed once the first Close has let the client go

	entries, splits, clamped, sent, bytes atomic.Int64
}

var (
	_ sink.Sink      = (*Sink)(nil)
	_ sink.Named     = (*Sink)(nil)
	_ sink.LineTaker = (*Sink)(nil)
)

// New returns a sink. It makes no call to the service: a project that is not there,
// or a permission that is missing, shows at the first Write. It may ask the metadata
// server. The error wraps [ErrOptions], or is the client's: credentials that can not
// be found, say.
func New(ctx context.Context, opts *Options) (*Sink, error) {
	o, err := opts.complete(ctx)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		opts: o, log: o.logName(), client: o.Client, ended: make(chan struct{}),
		resource: &monitoredres.MonitoredResource{Type: o.Resource.Type, Labels: o.Resource.Labels},
	}
	// A Write does not retry: who calls it does, and tells.
	s.call = append(s.call, gax.WithRetry(func() gax.Retryer { return nil }))
	if o.Compress {
		s.call = append(s.call, gax.WithGRPCOptions(grpc.UseCompressor(gzip.Name)))
	}
	if s.client == nil {
		access := Access{Endpoint: o.Endpoint, QuotaProject: o.QuotaProject, Insecure: o.Insecure}
		s.client, err = logging.NewClient(ctx, append(access.ClientOptions(), o.ClientOptions...)...)
		if err != nil {
			if NoCredentials(err) {
				return nil, fmt.Errorf("cloudloggingsink: %s: %w", remedyCredentials, err)
			}
			return nil, fmt.Errorf("%w: look at Endpoint (or %s) and ClientOptions: %w", ErrOptions, envEndpoint, err)
		}
	}
	return s, nil
}

// FromEnv returns a sink with everything from the environment: the defaults of
// [Options].
func FromEnv(ctx context.Context) (*Sink, error) { return New(ctx, nil) }

// Name names the sink and its log: "cloudlogging:projects/P/logs/txtrail". A cursor
// may be kept under it.
func (s *Sink) Name() string { return "cloudlogging:" + s.log }

// Resource returns the monitored resource of every entry. The error says why it was not
// detected where it should have been, so that it is "global": a metadata server that did
// not answer in time.
func (s *Sink) Resource() (Resource, error) {
	return Resource{Type: s.resource.Type, Labels: maps.Clone(s.resource.Labels)}, s.opts.undetected()
}

// TakesLines implements sink.LineTaker: entries are encoded from their lines.
func (s *Sink) TakesLines() bool { return true }

// Stats are figures of a sink so far.
type Stats struct {
	Entries  int64 // accepted by the service
	Split    int64 // of those, how many were sent as parts
	Clamped  int64 // of those, how many had no time, or one that the service does not take or keep: see Options.MaxAge
	Requests int64 // sent, answered or not
	Bytes    int64 // of these requests, uncompressed
}

// Stats returns the figures.
func (s *Sink) Stats() Stats {
	return Stats{
		Entries: s.entries.Load(), Split: s.splits.Load(), Clamped: s.clamped.Load(),
		Requests: s.sent.Load(), Bytes: s.bytes.Load(),
	}
}

// request is one WriteLogEntries being filled.
type request struct {
	x     encoder
	buf   []byte
	owner []int // of each LogEntry in buf: its entry in the batch
	ends  []int // where each LogEntry ends in buf
}

func (r *request) reset() {
	const kept = 2 << 20
	if cap(r.buf) > kept {
		r.buf = nil
	}
	r.buf, r.owner, r.ends = r.buf[:0], r.owner[:0], r.ends[:0]
}

// request returns an empty one.
func (s *Sink) request() *request {
	s.mu.Lock()
	r := s.free
	s.free = nil
	s.mu.Unlock()
	if r == nil {
		r = &request{x: encoder{trace: "projects/" + s.opts.ProjectID + "/traces/", past: s.opts.MaxAge}}
	}
	return r
}

// release keeps a request for the next Write.
func (s *Sink) release(r *request) {
	r.reset()
	s.mu.Lock()
	s.free = r
	s.mu.Unlock()
}

// Write implements [sink.Sink]. A batch goes in as many requests as its size takes,
// one after the other; after one that failed as a whole the rest is not tried.
func (s *Sink) Write(ctx context.Context, batch []*entry.Entry) error {
	if !s.enter() {
		return sink.Permanent(fmt.Errorf("cloudloggingsink: %w", sink.ErrClosed))
	}
	defer s.writing.Done()
	if ctx.Err() != nil {
		return sink.Retryable(fmt.Errorf("cloudloggingsink: %w", context.Cause(ctx)), 0)
	}
	r := s.request()
	defer s.release(r)
	w := writing{s: s, r: r, failed: make([]error, len(batch))}
	now := s.opts.Now()
	for i, e := range batch {
		w.add(i, e, now)
	}
	if w.sendAll(ctx) && len(w.refused) > 0 {
		w.again(ctx, batch)
	}
	return w.result()
}

// enter counts a Write in, unless the sink is closed.
func (s *Sink) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.writing.Add(1)
	return true
}

// Close waits for Writes that run and lets the client go; when ctx ends first their
// calls are cut off. It leaves Options.Client open, whose calls end with the contexts of
// their Writes.
func (s *Sink) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		select {
		case <-s.ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(s.ended)
	idle := make(chan struct{})
	go func() {
		s.writing.Wait()
		close(idle)
	}()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		select {
		case <-idle:
		default:
			err = ctx.Err()
		}
	}
	if s.opts.Client == nil {
		if cerr := s.client.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("cloudloggingsink: %w", cerr)
		}
	}
	return err
}

// message is the request without its entries, which send puts in as they are.
func (s *Sink) message() *loggingpb.WriteLogEntriesRequest {
	return &loggingpb.WriteLogEntriesRequest{LogName: s.log, Resource: s.resource, PartialSuccess: true}
}
