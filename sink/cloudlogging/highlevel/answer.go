package highlevelsink

import (
	"context"
	"strings"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// answer is what the error of a LogSync says of its entry; nil: it was accepted.
func (c *caller) answer(ctx context.Context, err error) *status.Status {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok { // the context ended between two attempts of the client's
		st = status.FromContextError(err)
	}
	for _, d := range st.Details() {
		// With the first entry of a process the client sends one of its own, behind it,
		// which may be the one that was refused. Ours was written then; but of an answer
		// to something else one would say so too, and a second time costs nothing.
		if p, ok := d.(*loggingpb.WriteLogEntriesPartialErrors); ok && len(p.LogEntryErrors) > 0 {
			if own := status.FromProto(p.LogEntryErrors[0]); own.Code() != codes.OK {
				return own
			}
			return status.New(codes.Internal, "the answer names another entry than the one that was sent: "+st.Message())
		}
	}
	switch {
	case c.cut.Err() != nil:
		return status.New(codes.Canceled, "the sink was closed while the call ran")
	case ctx.Err() != nil: // the sink says which
	case st.Code() == codes.DeadlineExceeded:
		return with(st, "no answer within "+c.timeout.String()+
			": Cloud Logging can not be reached, fails, or is slow; the high-level client tries again by itself and does not say why")
	case st.Code() == codes.Canceled && strings.Contains(st.Message(), "connection is closing"):
		return with(st, "the high-level client does not send ("+st.Message()+"): close it after the sink, not before")
	case st.Code() == codes.Unimplemented:
		// Unknown: the sink would name its own settings, which have no effect here.
		return status.New(codes.Unknown, "what answers the high-level client is not Cloud Logging ("+st.Message()+"): look at the endpoint that it was made with")
	}
	return st
}

// with returns st with another message.
func with(st *status.Status, message string) *status.Status {
	p := st.Proto()
	p.Message = message
	return status.FromProto(p)
}

// refusal reports whether an answer is about the entry and not about everything that
// is sent.
func refusal(st *status.Status) bool {
	switch st.Code() {
	case codes.InvalidArgument, codes.OutOfRange, codes.AlreadyExists:
		return true
	}
	return false
}

// verdict makes one answer of those to the entries: as the service answers a request
// with partial_success, but for the one case in which the service names no entry. When
// it has taken none, and has a fault with none but the entries, probe asks whether it
// takes any.
func verdict(answers []*status.Status, probe func() *status.Status) error {
	accepted := 0
	var fault, refused *status.Status
	for _, st := range answers {
		switch {
		case st == nil:
			accepted++
		case !refusal(st):
			fault = st
		default:
			refused = st
		}
	}
	switch {
	case accepted == len(answers):
		return nil
	case accepted == 0 && fault != nil:
		// What was refused beside it may have been refused for the same reason.
		return fault.Err()
	case accepted == 0:
		if st := probe(); st != nil {
			if refusal(st) {
				return status.Error(codes.FailedPrecondition, st.Message())
			}
			return st.Err()
		}
	}
	errs := make(map[int32]*spb.Status)
	for i, st := range answers {
		if st != nil {
			errs[int32(i)] = valid(st)
		}
	}
	first := refused
	if first == nil {
		first = fault
	}
	with, err := status.New(codes.InvalidArgument, valid(first).GetMessage()).WithDetails(&loggingpb.WriteLogEntriesPartialErrors{LogEntryErrors: errs})
	if err != nil { // all is sent again, which costs duplicates and no entry
		return status.Errorf(codes.Internal, "highlevelsink: %v", err)
	}
	return with.Err()
}

// valid returns the status as a message that can be sent: of a server's words nothing
// is known.
func valid(st *status.Status) *spb.Status {
	p := proto.CloneOf(st.Proto())
	p.Message = strings.ToValidUTF8(p.Message, "\ufffd")
	return p
}
