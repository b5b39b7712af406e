package highlevelsink

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"cloud.google.com/go/logging"
	apiv2 "cloud.google.com/go/logging/apiv2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// Sink writes entries to one log by a client of the program's. It is a [sink.Sink].
//
// It is a cloudloggingsink.Sink whose client ends not in a connection but in a
// [caller]: what an entry becomes, how it is split, and what an error says of whom is
// decided there.
type Sink struct {
	inner  *cloudloggingsink.Sink
	calls  *caller
	client *apiv2.Client // of inner; it is not connected to anything
	cut    context.CancelFunc
	once   sync.Once
}

var (
	_ sink.Sink      = (*Sink)(nil)
	_ sink.Named     = (*Sink)(nil)
	_ sink.LineTaker = (*Sink)(nil)
)

// New returns a sink that writes to a log of the client's project by a Logger of its
// own. The client stays the caller's, who closes it after the sink; as long as it is
// open a goroutine of that Logger waits for it. New makes no call to the service; it
// may ask the metadata server. The error wraps [ErrOptions] or
// cloudloggingsink.ErrOptions.
func New(ctx context.Context, client *logging.Client, opts *Options) (*Sink, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, fmt.Errorf("%w: the client is nil, want one of logging.NewClient; without one take cloudloggingsink.New", ErrOptions)
	}
	if o.LogID == "" {
		o.LogID = cloudloggingsink.DefaultLogID
	}
	// Each entry has its resource: the client is not to look for one, which may take
	// seconds.
	s, err := open(ctx, &o, true)
	if err != nil {
		return nil, err
	}
	s.calls.logger = client.Logger(o.LogID, logging.CommonResource(nil))
	return s, nil
}

// FromLogger returns a sink that writes by the Logger. Its CommonLabels and its
// CommonResource apply, if Options.Resource is nil; common labels count to the 64
// that an entry may have. SourceLocationPopulation would name a line of this package.
// The Logger's buffer and its limits are passed by. A Logger that was made with
// RedirectAsJSON is an error: package stdoutsink writes lines that agents read.
//
// To find that out it makes a call that is cut off before it is sent; the entry by
// which the client tells the service of its version, once in a process, is lost then.
func FromLogger(ctx context.Context, logger *logging.Logger, opts *Options) (*Sink, error) {
	o, err := opts.complete()
	switch {
	case err != nil:
		return nil, err
	case logger == nil:
		return nil, fmt.Errorf("%w: the Logger is nil, want one of Client.Logger", ErrOptions)
	case o.LogID == "":
		return nil, fmt.Errorf("%w: no LogID: the Logger does not tell the name of its log, give the one that it was made with (or %s)", ErrOptions, envLog)
	case redirects(logger):
		return nil, fmt.Errorf("%w: the Logger writes elsewhere (RedirectAsJSON), where agents would not find an entry's fields: take stdoutsink", ErrOptions)
	}
	own := o.Resource != nil
	if !own {
		o.Resource = &cloudloggingsink.Resource{Type: "global"} // not looked for, and not sent
	}
	s, err := open(ctx, &o, own)
	if err != nil {
		return nil, err
	}
	s.calls.logger = logger
	return s, nil
}

// redirects reports whether a Logger writes to an io.Writer. Such a one refuses what
// is no JSON before it writes anything, and takes no note of the context, by which
// another one sends nothing.
func redirects(logger *logging.Logger) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := logger.LogSync(ctx, logging.Entry{Payload: &anypb.Any{}})
	return errors.Is(err, logging.ErrRedirectProtoPayloadNotSupported)
}

// open returns a sink without its Logger. resource says that entries are sent with one.
func open(ctx context.Context, o *Options, resource bool) (s *Sink, err error) {
	calls := &caller{resource: resource, concurrent: o.Concurrent, timeout: o.CallTimeout}
	s = &Sink{calls: calls}
	var cut context.CancelFunc
	calls.cut, cut = context.WithCancel(context.Background())
	s.cut = cut
	defer func() {
		if err != nil {
			cut()
			err = fmt.Errorf("highlevelsink: %w", err)
		}
	}()
	conn, err := grpc.NewClient("passthrough:///high-level-client", // is never dialed
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(s.calls.intercept))
	if err != nil {
		return nil, err
	}
	s.client, err = apiv2.NewClient(ctx, option.WithGRPCConn(conn), option.WithTelemetryDisabled())
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s.inner, err = cloudloggingsink.New(ctx, &cloudloggingsink.Options{
		ProjectID: o.ProjectID, LogID: o.LogID, Resource: o.Resource, MaxAge: o.MaxAge, Client: s.client,
		Now: o.Now, LookupEnv: o.LookupEnv, Metadata: o.Metadata,
	})
	if err != nil {
		return nil, errors.Join(err, s.client.Close())
	}
	return s, nil
}

// Name names the sink and its log, as the one of cloudloggingsink does:
// "cloudlogging:projects/P/logs/txtrail". A cursor that is kept under it holds when
// one takes the place of the other.
func (s *Sink) Name() string { return s.inner.Name() }

// TakesLines implements sink.LineTaker: entries are encoded from their lines.
func (s *Sink) TakesLines() bool { return s.inner.TakesLines() }

// Stats returns the figures. Requests are the calls, one for each entry or part of
// one; what the client repeats by itself is not counted.
func (s *Sink) Stats() cloudloggingsink.Stats {
	st := s.inner.Stats()
	st.Requests = s.calls.calls.Load()
	return st
}

// Write implements [sink.Sink]. Its errors are those of cloudloggingsink.Sink: of
// entries that were refused, each by itself, and of what a retry may cure. After a
// fault that is not of the entries the others of the same 5 MB are not sent.
func (s *Sink) Write(ctx context.Context, batch []*entry.Entry) error {
	return s.inner.Write(context.WithValue(ctx, outerKey{}, ctx), batch)
}

// Close waits for Writes that run; when ctx ends first their calls are cut off. The
// client stays open.
func (s *Sink) Close(ctx context.Context) error {
	err := s.inner.Close(ctx)
	s.cut()
	s.once.Do(func() {
		if cerr := s.client.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("highlevelsink: %w", cerr)
		}
	})
	return err
}
