package connecttx

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	"github.com/txtrail/txtrail/middleware"
)

// NewInterceptor returns an interceptor for handlers and clients, unary and streaming.
//
// In a handler it sets the route of the exchange to the procedure,
// "/shop.v1.Cart/Get", before the RPC is served, and records what it failed with:
// the code as the label [LabelCode], and the error, with the code as its type, as the
// exchange's error, or as the label [LabelClientError] where the code says that the
// caller is to blame (not_found, invalid_argument and so on). A panic is noted and goes
// on with the identical value.
//
// In a client it tells [OnEntry] the procedure.
//
// Outside of an exchange it does nothing. It holds no state and is safe for concurrent
// use.
func NewInterceptor() connect.Interceptor { return interceptor{} }

type interceptor struct{}

// WrapUnary implements [connect.Interceptor].
func (interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		procedure := req.Spec().Procedure
		if req.Spec().IsClient {
			return next(withProcedure(ctx, procedure), req)
		}
		middleware.SetRoute(ctx, procedure)
		defer notePanic(ctx)
		res, err := next(ctx, req)
		record(ctx, err)
		return res, err
	}
}

// WrapStreamingClient implements [connect.Interceptor].
func (interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return next(withProcedure(ctx, spec.Procedure), spec)
	}
}

// WrapStreamingHandler implements [connect.Interceptor].
func (interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		middleware.SetRoute(ctx, conn.Spec().Procedure)
		defer notePanic(ctx)
		err := next(ctx, conn)
		record(ctx, err)
		return err
	}
}

// record tells of err.
func record(ctx context.Context, err error) {
	if err == nil {
		return
	}
	code := connect.CodeOf(err)
	middleware.Annotate(ctx, LabelCode, code.String())
	if serversFault(code) {
		middleware.SetError(ctx, coded{err, code})
	} else {
		middleware.Annotate(ctx, LabelClientError, fmt.Sprint(err)) // which catches a panic of its Error
	}
}

// notePanic is deferred.
func notePanic(ctx context.Context) {
	if v := recover(); v != nil {
		middleware.SetPanic(ctx, v, nil)
		panic(v)
	}
}
