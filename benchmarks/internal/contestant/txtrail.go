package contestant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/sink"
)

func discardedServer(h http.Handler) (*Running[http.Handler], error) { return discarded(h, server) }
func journaledServer(h http.Handler) (*Running[http.Handler], error) { return journaled(h, server) }

func discardedTransport(rt http.RoundTripper) (*Running[http.RoundTripper], error) {
	return discarded(rt, transport)
}

func journaledTransport(rt http.RoundTripper) (*Running[http.RoundTripper], error) {
	return journaled(rt, transport)
}

// wrapper puts the recording around inner.
type wrapper[T any] func(t *txtrail.Trail, inner T) (T, error)

func server(t *txtrail.Trail, h http.Handler) (http.Handler, error) { return t.Handler(h), nil }

func transport(t *txtrail.Trail, rt http.RoundTripper) (http.RoundTripper, error) {
	return t.Transport(rt)
}

func discarded[T any](inner T, wrap wrapper[T]) (*Running[T], error) {
	return recorded(inner, wrap, txtrail.Config{Output: txtrail.OutputNone, Sinks: []sink.Sink{sink.Discard()}}, nothing)
}

func journaled[T any](inner T, wrap wrapper[T]) (*Running[T], error) {
	dir, err := os.MkdirTemp("", "txtrail-benchmarks-")
	if err != nil {
		return nil, err
	}
	return recorded(inner, wrap, txtrail.Config{Output: txtrail.OutputJournal, Dir: dir}, func() error { return os.RemoveAll(dir) })
}

// recorded opens a trail with all defaults but where it writes to: the environment of
// whoever measures changes nothing.
func recorded[T any](inner T, wrap wrapper[T], c txtrail.Config, clean func() error) (*Running[T], error) {
	c.Service = "benchmarks"
	c.LookupEnv = func(string) (string, bool) { return "", false }
	c.LogHandler = slog.DiscardHandler
	trail, err := txtrail.Open(c)
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	wrapped, err := wrap(trail, inner)
	if err != nil {
		return nil, errors.Join(err, trail.Close(context.Background()), clean())
	}
	return &Running[T]{
		Wrapped: wrapped,
		Settle:  func() error { return trail.Flush(context.Background()) },
		Stop: func(served int64) error {
			err := trail.Close(context.Background())
			if st := trail.Stats(); st.Delivered < served || st.DroppedTotal() != 0 {
				err = errors.Join(err, fmt.Errorf("%d of %d exchanges delivered, %d dropped", st.Delivered, served, st.DroppedTotal()))
			}
			return err
		},
		Clean: clean,
	}, nil
}
