package connecttx

import (
	"connectrpc.com/connect"
)

// The labels that the interceptor and [OnEntry] add.
const (
	// LabelCode holds the code of an RPC that failed, as OpenTelemetry's
	// rpc.response.status_code: "not_found".
	LabelCode = "rpc.response.status_code"
	// LabelClientError holds the error of an RPC that failed by its caller's doing.
	LabelClientError = "client_error"
)

// serversFault reports whether an RPC that failed with this code is a failure of its
// server's, by OpenTelemetry's rule for RPC servers. A not_found is an answer.
func serversFault(code connect.Code) bool {
	switch code {
	case connect.CodeUnknown, connect.CodeDeadlineExceeded, connect.CodeUnimplemented,
		connect.CodeInternal, connect.CodeUnavailable, connect.CodeDataLoss:
		return true
	}
	return code == 0 || code > connect.CodeUnauthenticated
}

// coded is an error that is named after its code.
type coded struct {
	error
	code connect.Code
}

// ErrorType is what middleware.SetError looks for.
func (e coded) ErrorType() string { return e.code.String() }

// Unwrap keeps what the error wraps within reach.
func (e coded) Unwrap() error { return e.error }
