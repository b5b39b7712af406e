package highlevelsink

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/google/go-cmp/cmp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// partial returns an error of a service that names entries.
func partial(t *testing.T, errs map[int32]*spb.Status) error {
	t.Helper()
	st, err := status.New(codes.InvalidArgument, "refused").WithDetails(&loggingpb.WriteLogEntriesPartialErrors{LogEntryErrors: errs})
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

// What the error of a call says of its entry. Nothing but no error says that it was
// accepted.
func TestAnswer(t *testing.T) {
	bad := &spb.Status{Code: int32(codes.InvalidArgument), Message: "bad"}
	for name, tt := range map[string]struct {
		err  error
		want codes.Code
	}{
		"none":                     {nil, codes.OK},
		"ours":                     {partial(t, map[int32]*spb.Status{0: bad}), codes.InvalidArgument},
		"ours and the client's":    {partial(t, map[int32]*spb.Status{0: bad, 1: bad}), codes.InvalidArgument},
		"the client's":             {partial(t, map[int32]*spb.Status{1: bad}), codes.Internal},
		"ours, and it is none":     {partial(t, map[int32]*spb.Status{0: {}}), codes.Internal},
		"one that was never sent":  {partial(t, map[int32]*spb.Status{-1: bad, 7: bad}), codes.Internal},
		"nobody":                   {partial(t, nil), codes.InvalidArgument},
		"wrapped":                  {fmt.Errorf("x: %w", status.Error(codes.OutOfRange, "o")), codes.OutOfRange},
		"between two attempts":     {context.DeadlineExceeded, codes.DeadlineExceeded},
		"between two, given up":    {context.Canceled, codes.Canceled},
		"of something else":        {fmt.Errorf("x"), codes.Unknown},
		"a stream that was ended":  {status.Error(codes.Canceled, "stream"), codes.Canceled},
		"another service's answer": {status.Error(codes.Unimplemented, "unknown service"), codes.Unknown},
	} {
		c := &caller{timeout: time.Second, cut: t.Context()}
		if got := c.answer(t.Context(), tt.err); got.Code() != tt.want || (got == nil) != (tt.err == nil) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// The answer to a request, as the sink is told it: of its entries those that a retry
// will not cure, those that it may, or of all at once.
func TestVerdict(t *testing.T) {
	refused, fault, hostile := status.New(codes.InvalidArgument, "refused"), status.New(codes.Aborted, "fault"), status.New(codes.OutOfRange, "\xff\x1b")
	type answers = []*status.Status
	const none = "none"
	for name, tt := range map[string]struct {
		answers answers
		probe   *status.Status
		want    string
		each    map[int32]codes.Code
	}{
		"all accepted":                      {answers{nil, nil}, refused, none, nil},
		"nothing to accept":                 {nil, refused, none, nil},
		"one refused":                       {answers{nil, refused, nil}, fault, "InvalidArgument", map[int32]codes.Code{1: codes.InvalidArgument}},
		"one refused, then a fault":         {answers{nil, refused, fault, fault}, fault, "InvalidArgument", map[int32]codes.Code{1: codes.InvalidArgument, 2: codes.Aborted, 3: codes.Aborted}},
		"a fault in the midst":              {answers{nil, fault, fault}, nil, "InvalidArgument", map[int32]codes.Code{1: codes.Aborted, 2: codes.Aborted}},
		"a fault at once":                   {answers{fault, fault}, nil, "Aborted", nil},
		"refused, then a fault":             {answers{refused, fault}, nil, "Aborted", nil},
		"all refused, a good one is not":    {answers{refused, hostile}, nil, "InvalidArgument", map[int32]codes.Code{0: codes.InvalidArgument, 1: codes.OutOfRange}},
		"all refused, a good one too":       {answers{refused, refused}, refused, "FailedPrecondition", nil},
		"all refused, a good one by chance": {answers{refused}, fault, "Aborted", nil},
	} {
		err := verdict(tt.answers, func() *status.Status { return tt.probe })
		if err == nil {
			if tt.want != none {
				t.Errorf("%s: accepted", name)
			}
			continue
		}
		st := status.Convert(err)
		var each map[int32]codes.Code
		for _, d := range st.Details() {
			each = map[int32]codes.Code{}
			for i, e := range d.(*loggingpb.WriteLogEntriesPartialErrors).LogEntryErrors {
				each[i] = codes.Code(e.Code)
			}
		}
		if d := cmp.Diff(tt.each, each); st.Code().String() != tt.want || d != "" {
			t.Errorf("%s: %v, want %s; each: %s", name, err, tt.want, d)
		}
	}
}
