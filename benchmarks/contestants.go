package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-chi/httplog/v3"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// contestant is one way to serve the handler.
type contestant struct {
	name  string
	note  string
	start func(h http.Handler) (*running, error)
}

// running is a contestant at work.
type running struct {
	handler http.Handler
	settle  func() error             // waits until what was served so far is dealt with
	stop    func(served int64) error // ends it and checks that nothing was lost
}

func contestants() []contestant {
	return []contestant{
		{"bare handler", "", bare},
		{"bare again", "the noise", bare},
		{"txtrail → discard", "bodies, masked", discarded},
		{"txtrail → journal", "bodies, masked, on disk", journaled},
		{"otelhttp", "no bodies; a span, not exported", traced},
		{"httplog v3", "bodies, nothing masked; discarded", logged},
	}
}

func nothing() error { return nil }

func bare(h http.Handler) (*running, error) {
	return &running{handler: h, settle: nothing, stop: func(int64) error { return nil }}, nil
}

func discarded(h http.Handler) (*running, error) { return trail(h, sink.Discard(), nothing) }

func journaled(h http.Handler) (*running, error) {
	dir, err := os.MkdirTemp("", "txtrail-benchmarks-")
	if err != nil {
		return nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	j, err := journalsink.Open(dir, &journalsink.Options{Name: "benchmarks"})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return trail(h, j, remove)
}

func trail(h http.Handler, s sink.Sink, after func() error) (*running, error) {
	q, err := sink.NewQueue(s, nil)
	if err != nil {
		return nil, errors.Join(err, after())
	}
	wrap, err := middleware.New(q, nil)
	if err != nil {
		return nil, errors.Join(err, q.Close(context.Background()), after())
	}
	return &running{
		handler: wrap(h),
		settle:  func() error { return q.Flush(context.Background()) },
		stop: func(served int64) error {
			err := q.Close(context.Background())
			if st := q.Stats(); st.Delivered < served || st.DroppedTotal() != 0 {
				err = errors.Join(err, fmt.Errorf("%d of %d requests delivered, %d dropped", st.Delivered, served, st.DroppedTotal()))
			}
			return errors.Join(err, after())
		},
	}, nil
}

func traced(h http.Handler) (*running, error) {
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()))
	return &running{
		handler: otelhttp.NewHandler(h, "POST /v1/items", otelhttp.WithTracerProvider(tp)),
		settle:  nothing,
		stop:    func(int64) error { return tp.Shutdown(context.Background()) },
	}, nil
}

func logged(h http.Handler) (*running, error) {
	lines := &counter{}
	always := func(*http.Request) bool { return true }
	wrap := httplog.RequestLogger(slog.New(slog.NewJSONHandler(lines, nil)), &httplog.Options{
		Level: slog.LevelInfo, Schema: httplog.SchemaECS,
		LogRequestHeaders: headerNames, LogResponseHeaders: []string{"Content-Type"},
		LogRequestBody: always, LogResponseBody: always, LogBodyMaxLen: middleware.DefaultMaxBody,
	})
	return &running{
		handler: wrap(h),
		settle:  nothing,
		stop: func(served int64) error {
			if lines.n < served {
				return fmt.Errorf("%d of %d requests logged", lines.n, served)
			}
			return nil
		},
	}, nil
}

// counter discards lines and counts them. Its one writer is the measuring thread.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n++
	return io.Discard.Write(p)
}
