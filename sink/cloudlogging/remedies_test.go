package cloudloggingsink_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// What only a person mends is told with what to look at, and never as the entries'
// fault.
func TestRemedies(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	for code, says := range map[codes.Code]string{
		codes.NotFound:           "no such project or log",
		codes.InvalidArgument:    "the labels of Resource",
		codes.FailedPrecondition: "its billing",
		codes.PermissionDenied:   "no permission, or no such project",
		codes.Unauthenticated:    "gcloud auth application-default login",
		codes.Unimplemented:      "look at Endpoint",
	} {
		srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Code: code} })
		if err := s.Write(t.Context(), sinktest.Samples(0, 2)); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want it to say %q", code, err, says)
		}
	}
}
