package gatewaytx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// ErrOptions is returned, wrapped, by [ServeMuxOptions] for options that can not work.
var ErrOptions = errors.New("gatewaytx: invalid options")

// Options configure [ServeMuxOptions]. The zero value, and a nil pointer, mean the
// defaults.
type Options struct {
	// ErrorHandler answers errors. Default [runtime.DefaultHTTPErrorHandler].
	ErrorHandler runtime.ErrorHandlerFunc
	// StreamErrorHandler makes the last message of a stream that failed. Default
	// [runtime.DefaultStreamErrorHandler].
	StreamErrorHandler runtime.StreamErrorHandlerFunc
	// Backend is the host, with or without a port, of the gRPC service behind the
	// gateway. It gets the txid and the carried facts as metadata; the Propagator must
	// allow it. Default none: nothing is sent.
	Backend string
	// Propagator writes the metadata. Default txid.NewPropagator(nil), which allows
	// private hosts.
	Propagator *txid.Propagator
}

// ServeMuxOptions returns the options for [runtime.NewServeMux]. Nil opts mean the
// defaults; they are copied. The error wraps [ErrOptions] and names the field.
//
// The route of an exchange is the path pattern of the HTTP rule, "/v1/carts/{id}";
// the RPC, "/shop.v1.Cart/Get", is the label [LabelMethod]. An error is recorded as
// the exchange's, with its code as the type, or, where the code says that the caller
// is to blame, as the label [LabelClientError]; the code as the label [LabelCode].
// A value that gRPC metadata can not carry, with letters beyond ASCII, is not sent.
//
// The functions hold no state and are safe for concurrent use; without an exchange in
// the request's context they do nothing but what the gateway does by itself.
func ServeMuxOptions(opts *Options) ([]runtime.ServeMuxOption, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.ErrorHandler == nil {
		o.ErrorHandler = runtime.DefaultHTTPErrorHandler
	}
	if o.StreamErrorHandler == nil {
		o.StreamErrorHandler = runtime.DefaultStreamErrorHandler
	}
	if o.Propagator == nil {
		p, err := txid.NewPropagator(nil)
		if err != nil {
			return nil, fmt.Errorf("gatewaytx: %w", err)
		}
		o.Propagator = p
	}
	if o.Backend != "" {
		host := o.Backend
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !o.Propagator.Allows(host) {
			return nil, fmt.Errorf("%w: Backend: the Propagator sends nothing to %q; allow it in txid.Options.Hosts, or leave Backend empty", ErrOptions, host)
		}
	}
	return []runtime.ServeMuxOption{
		runtime.WithMiddlewares(setRoute),
		runtime.WithMetadata(o.annotate),
		runtime.WithErrorHandler(func(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
			record(r.Context(), err)
			o.ErrorHandler(ctx, mux, m, w, r, err)
		}),
		runtime.WithStreamErrorHandler(func(ctx context.Context, err error) *status.Status {
			record(ctx, err)
			return o.StreamErrorHandler(ctx, err)
		}),
	}, nil
}

// setRoute is a [runtime.Middleware]. It runs before the handler, for routes of RPCs
// and others.
func setRoute(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		if p, ok := runtime.HTTPPattern(r.Context()); ok {
			// The mux fills in what the rule left out.
			middleware.SetRoute(r.Context(), strings.ReplaceAll(p.String(), "=*}", "}"))
		}
		next(w, r, params)
	}
}

// annotate tells what is known of an RPC when it is about to be called, and returns
// the metadata for it.
func (o *Options) annotate(ctx context.Context, _ *http.Request) metadata.MD {
	if pattern, ok := runtime.HTTPPathPattern(ctx); ok && pattern != "" {
		middleware.SetRoute(ctx, pattern) // as the rule has it
	}
	if method, ok := runtime.RPCMethod(ctx); ok {
		middleware.Annotate(ctx, LabelMethod, method)
	}
	scope, ok := txid.FromContext(ctx)
	if !ok || o.Backend == "" {
		return nil
	}
	md := metadata.MD{}
	o.Propagator.Inject(scope, scope.Span, carrier(md))
	return md
}

// carrier is metadata as a txid.Carrier.
type carrier metadata.MD

// Get implements [txid.Carrier].
func (c carrier) Get(key string) string {
	if v := metadata.MD(c).Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Set implements [txid.Carrier]. A value that would make the call fail is left out.
func (c carrier) Set(key, value string) {
	for i := range len(value) {
		if value[i] < 0x20 || value[i] > 0x7e {
			return
		}
	}
	metadata.MD(c).Set(key, value)
}
