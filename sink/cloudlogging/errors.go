package cloudloggingsink

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/sink"
)

// What to do, in the errors that only a person mends.
const (
	remedyCredentials = "no credentials: run gcloud auth application-default login, give the service a service account, or look at the file that GOOGLE_APPLICATION_CREDENTIALS names"
	remedyPermission  = "no permission, or no such project: grant roles/logging.logWriter on it to the account that the service runs as, and enable logging.googleapis.com"
	remedyProject     = "no such project or log: look at ProjectID (GOOGLE_CLOUD_PROJECT)"
	remedyArgument    = "the request is refused, not an entry: look at ProjectID, and at the type and the labels of Resource"
	remedyState       = "the project does not take it: look at its billing, and whether logging.googleapis.com is enabled"
	remedyEndpoint    = "what answers there is not Cloud Logging: look at Endpoint (TXTRAIL_CLOUDLOGGING_ENDPOINT)"
	remedyQuota       = "quota exceeded: it goes on by itself; see the project's quotas for logging.googleapis.com"
	remedyReach       = "Cloud Logging can not be reached"
)

// mended is how long to wait for a person: what is wrong is wrong for everything
// that is sent.
const mended = 30 * time.Second

// partialErrors returns the entries that the service refused, by index.
func partialErrors(err error) map[int32]*spb.Status {
	st, ok := status.FromError(err)
	if !ok {
		return nil
	}
	for _, d := range st.Details() {
		if p, ok := d.(*loggingpb.WriteLogEntriesPartialErrors); ok {
			return p.LogEntryErrors
		}
	}
	return nil
}

// retryDelay is the pause that the service asks for, 0 if none.
func retryDelay(err error) time.Duration {
	st, _ := status.FromError(err)
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// fault marks an error of a whole request. None is permanent: what is wrong with the
// project, the permission or the network says nothing against the entries, which are
// kept until it is mended.
func (s *Sink) fault(ctx context.Context, err error) error {
	after := retryDelay(err)
	remedy := ""
	switch status.Code(err) {
	case codes.Unauthenticated:
		remedy = remedyCredentials
	case codes.PermissionDenied:
		remedy = remedyPermission
	case codes.NotFound:
		remedy = remedyProject
	case codes.InvalidArgument:
		remedy = remedyArgument
	case codes.FailedPrecondition:
		remedy = remedyState
	case codes.Unimplemented:
		remedy = remedyEndpoint
	case codes.ResourceExhausted:
		return s.retryable(remedyQuota, err, after)
	case codes.Unavailable:
		if remedy = Unreachable(err); remedy == "" {
			remedy = remedyReach
		}
		return s.retryable(remedy, err, after)
	case codes.Canceled, codes.DeadlineExceeded:
		if overdue(ctx, err) {
			return sink.Retryable(fmt.Errorf("cloudloggingsink: %s: %w", s.log, context.Cause(ctx)), after)
		}
	}
	if remedy == "" {
		return s.retryable("", err, after)
	}
	return s.retryable(remedy, err, max(after, mended))
}

// Unreachable says what to look at when the service can not be reached, where an error
// tells; "" where it does not, or is not such an error. It is for others that speak with
// the service.
func Unreachable(err error) string {
	if status.Code(unmark(err)) != codes.Unavailable {
		return ""
	}
	says := func(s string) bool { return strings.Contains(err.Error(), s) }
	switch {
	case says("first record does not look like a TLS handshake"):
		return "what answers there speaks no TLS: look at the endpoint; a test server wants Insecure"
	case says("authentication handshake failed"):
		return "what answers there is not who it should be: look at the endpoint, and at proxies on the way"
	case says("error reading server preface"):
		// A service that is going down breaks off as well as one that wants TLS; the third
		// is what Windows calls a reset.
		if says("preface: EOF") || says("connection reset by peer") || says("forcibly closed") {
			return remedyReach + ", the connection broke off at once: look at whether the service is up, and leave Insecure out if it wants TLS"
		}
		return "what answers there does not speak gRPC without TLS: look at the endpoint, and leave Insecure out"
	case says("no such host"):
		return "there is no such host: look at the endpoint, and at the network"
	case says("credentials"):
		return remedyCredentials
	}
	return ""
}

// NoCredentials reports whether a client could not be made for its credentials, and not
// for an address or options that can not be. It is for others that speak with the service.
func NoCredentials(err error) bool {
	var address *url.Error
	return err != nil && !errors.As(err, &address) && !strings.Contains(err.Error(), "incompatible with")
}

// overdue reports whether ctx has ended. Its deadline is known to the service, and to
// gRPC by a timer of its own: either may say that it is over a moment before ctx does,
// which is then waited for.
func overdue(ctx context.Context, err error) bool {
	if d, ok := ctx.Deadline(); ok && status.Code(err) == codes.DeadlineExceeded && time.Until(d) < time.Second {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

func (s *Sink) retryable(remedy string, err error, after time.Duration) error {
	return sink.Retryable(s.explain(remedy, err), after)
}

func (s *Sink) explain(remedy string, err error) error {
	if remedy != "" {
		remedy = ": " + remedy
	}
	return fmt.Errorf("cloudloggingsink: %s%s: %w", s.log, remedy, err)
}

// refusal marks an error of one entry.
func (s *Sink) refusal(ctx context.Context, err error) error {
	if isRefusal(err) {
		return sink.Permanent(s.explain("the entry is refused", err))
	}
	return s.fault(ctx, err)
}

// isRefusal reports whether an error of one entry is one that it has in itself.
func isRefusal(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.OutOfRange, codes.AlreadyExists:
		return true
	}
	return false
}

// Denied reports whether an error of this package is one of permission or
// credentials: a person has to mend it.
func Denied(err error) bool {
	switch status.Code(unmark(err)) {
	case codes.PermissionDenied, codes.Unauthenticated:
		return true
	}
	return false
}

// unmark returns the error of the service within err.
func unmark(err error) error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if _, ok := e.(interface{ GRPCStatus() *status.Status }); ok {
			return e
		}
	}
	return err
}
