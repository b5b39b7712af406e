package highlevelsink

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/logging"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// caller stands where a connection to the service would: it makes calls of LogSync
// of a request, and of their errors the service's answer to the request.
type caller struct {
	logger     *logging.Logger
	resource   bool // entries take the request's
	concurrent int
	timeout    time.Duration   // of one call
	cut        context.Context // ended when calls are to end

	calls atomic.Int64
}

// outerKey is where a context has the one that was given to Write. What the client
// between adds is not for the calls: its headers, which the Logger makes anew, and where
// there is no deadline one of a minute, in which it wants all of them done.
type outerKey struct{}

// intercept is a grpc.UnaryClientInterceptor.
func (c *caller) intercept(ctx context.Context, method string, req, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
	write, ok := req.(*loggingpb.WriteLogEntriesRequest)
	if !ok {
		return status.Errorf(codes.Unimplemented, "%s is not one of the high-level client's", method)
	}
	entries, err := messages(write)
	if err != nil {
		return status.Errorf(codes.Internal, "highlevelsink: %v", err)
	}
	if outer, ok := ctx.Value(outerKey{}).(context.Context); ok {
		ctx = outer
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.cut, cancel)()
	var resource *monitoredres.MonitoredResource
	if c.resource {
		resource = write.GetResource()
	}
	if write.GetDryRun() {
		return c.probe(ctx, resource).Err()
	}
	answers := c.sendAll(ctx, entries, resource)
	return verdict(answers, func() *status.Status { return c.probe(ctx, resource) })
}

// sendAll sends the entries and returns the answer to each: nil if it was accepted.
// The first goes alone: when the service is away one call finds out, and not as many
// as run at a time.
func (c *caller) sendAll(ctx context.Context, entries [][]byte, resource *monitoredres.MonitoredResource) []*status.Status {
	answers := make([]*status.Status, len(entries))
	var fault atomic.Pointer[status.Status]
	var next atomic.Int64
	one := func() bool {
		i := int(next.Add(1)) - 1
		if i >= len(entries) {
			return false
		}
		if answers[i] = fault.Load(); answers[i] != nil {
			return true
		}
		answers[i] = c.send(ctx, entries[i], resource)
		if answers[i] != nil && !refusal(answers[i]) {
			fault.CompareAndSwap(nil, answers[i])
		}
		return true
	}
	one()
	workers := min(c.concurrent, len(entries)-1)
	if fault.Load() != nil {
		workers = 1 // nothing is sent any more
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for one() {
			}
		})
	}
	wg.Wait()
	return answers
}

// send sends one entry.
func (c *caller) send(ctx context.Context, raw []byte, resource *monitoredres.MonitoredResource) *status.Status {
	e, err := convert(raw)
	if err != nil {
		return status.Newf(codes.InvalidArgument, "highlevelsink: %v", err)
	}
	e.Resource = resource
	return c.log(ctx, e)
}

// probe asks whether the service takes an entry at all. There is no dry run here: it
// sends one of 1970, which the service takes and does not keep, as Client.Ping does;
// an export may.
func (c *caller) probe(ctx context.Context, resource *monitoredres.MonitoredResource) *status.Status {
	return c.log(ctx, logging.Entry{
		Timestamp: time.Unix(0, 0), InsertID: "txtrail-probe", Resource: resource,
		Payload: &structpb.Struct{Fields: map[string]*structpb.Value{"message": structpb.NewStringValue("probe")}},
	})
}

func (c *caller) log(ctx context.Context, e logging.Entry) *status.Status {
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.calls.Add(1)
	return c.answer(ctx, c.logger.LogSync(call, e))
}
