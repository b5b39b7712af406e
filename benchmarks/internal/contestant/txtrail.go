package contestant

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

func discardedServer(h http.Handler) (*Running[http.Handler], error) { return discarded(h, server) }
func journaledServer(h http.Handler) (*Running[http.Handler], error) { return journaled(h, server) }

func discardedTransport(rt http.RoundTripper) (*Running[http.RoundTripper], error) {
	return discarded(rt, transport)
}

func journaledTransport(rt http.RoundTripper) (*Running[http.RoundTripper], error) {
	return journaled(rt, transport)
}

// wrapper puts the recording around inner, into q.
type wrapper[T any] func(q *sink.Queue, inner T) (T, error)

func server(q *sink.Queue, h http.Handler) (http.Handler, error) {
	wrap, err := middleware.New(q, nil)
	if err != nil {
		return nil, err
	}
	return wrap(h), nil
}

func transport(q *sink.Queue, rt http.RoundTripper) (http.RoundTripper, error) {
	return outbound.NewTransport(rt, q, nil)
}

func discarded[T any](inner T, wrap wrapper[T]) (*Running[T], error) {
	return recorded(inner, wrap, sink.Discard(), nothing)
}

func journaled[T any](inner T, wrap wrapper[T]) (*Running[T], error) {
	dir, err := os.MkdirTemp("", "txtrail-benchmarks-")
	if err != nil {
		return nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	j, err := journalsink.Open(dir, &journalsink.Options{Name: "benchmarks"})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return recorded(inner, wrap, j, remove)
}

func recorded[T any](inner T, wrap wrapper[T], s sink.Sink, clean func() error) (*Running[T], error) {
	q, err := sink.NewQueue(s, nil)
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	wrapped, err := wrap(q, inner)
	if err != nil {
		return nil, errors.Join(err, q.Close(context.Background()), clean())
	}
	return &Running[T]{
		Wrapped: wrapped,
		Settle:  func() error { return q.Flush(context.Background()) },
		Stop: func(served int64) error {
			err := q.Close(context.Background())
			if st := q.Stats(); st.Delivered < served || st.DroppedTotal() != 0 {
				err = errors.Join(err, fmt.Errorf("%d of %d exchanges delivered, %d dropped", st.Delivered, served, st.DroppedTotal()))
			}
			return err
		},
		Clean: clean,
	}, nil
}
