package gatewaytx

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/middleware"
)

// The labels that are added.
const (
	// LabelMethod holds the RPC, as OpenTelemetry's rpc.method: "/shop.v1.Cart/Get".
	LabelMethod = "rpc.method"
	// LabelCode holds the code of an RPC that failed, as OpenTelemetry's
	// rpc.response.status_code, in the words that connect has for it: "not_found".
	LabelCode = "rpc.response.status_code"
	// LabelClientError holds the error of a request that failed by its caller's doing.
	LabelClientError = "client_error"
)

// record tells of an error that the gateway is going to answer.
func record(ctx context.Context, err error) {
	var answered *runtime.HTTPStatusError
	if errors.As(err, &answered) {
		if answered.HTTPStatus >= 400 && answered.HTTPStatus < 500 {
			middleware.Annotate(ctx, LabelClientError, fmt.Sprint(err)) // which catches a panic of its Error
			return
		}
		err = answered.Err
	}
	code := status.Code(err)
	middleware.Annotate(ctx, LabelCode, word(code))
	if http := runtime.HTTPStatusFromCode(code); http >= 400 && http < 500 {
		middleware.Annotate(ctx, LabelClientError, fmt.Sprint(err)) // which catches a panic of its Error
		return
	}
	middleware.SetError(ctx, coded{err, code})
}

// coded is an error that is named after its code.
type coded struct {
	error
	code codes.Code
}

// ErrorType is what [middleware.SetError] looks for.
func (e coded) ErrorType() string { return word(e.code) }

// Unwrap keeps what the error wraps within reach.
func (e coded) Unwrap() error { return e.error }

// word returns a code in lower case, as connect and gRPC's own status page write it.
func word(c codes.Code) string {
	words := [...]string{
		codes.OK: "ok", codes.Canceled: "canceled", codes.Unknown: "unknown", codes.InvalidArgument: "invalid_argument",
		codes.DeadlineExceeded: "deadline_exceeded", codes.NotFound: "not_found", codes.AlreadyExists: "already_exists",
		codes.PermissionDenied: "permission_denied", codes.ResourceExhausted: "resource_exhausted",
		codes.FailedPrecondition: "failed_precondition", codes.Aborted: "aborted", codes.OutOfRange: "out_of_range",
		codes.Unimplemented: "unimplemented", codes.Internal: "internal", codes.Unavailable: "unavailable",
		codes.DataLoss: "data_loss", codes.Unauthenticated: "unauthenticated",
	}
	if int(c) < len(words) {
		return words[c]
	}
	return "code_" + strconv.FormatUint(uint64(c), 10)
}
