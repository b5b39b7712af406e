package contestant

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func tracedServer(h http.Handler) (*Running[http.Handler], error) {
	return traced(func(tp *sdktrace.TracerProvider) http.Handler {
		return otelhttp.NewHandler(h, "items", otelhttp.WithTracerProvider(tp))
	}), nil
}

func tracedTransport(rt http.RoundTripper) (*Running[http.RoundTripper], error) {
	return traced(func(tp *sdktrace.TracerProvider) http.RoundTripper {
		return otelhttp.NewTransport(rt, otelhttp.WithTracerProvider(tp))
	}), nil
}

func traced[T any](wrap func(*sdktrace.TracerProvider) T) *Running[T] {
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()))
	return &Running[T]{
		Wrapped: wrap(tp),
		Settle:  nothing,
		Stop:    func(int64) error { return tp.Shutdown(context.Background()) },
		Clean:   nothing,
	}
}
