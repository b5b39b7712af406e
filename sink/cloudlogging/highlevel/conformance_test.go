package highlevelsink_test

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/logging"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestConformance(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		sinktest.Run(t, func(t *testing.T) sinktest.Harness {
			srv := serve(t)
			return sinktest.Harness{Sink: open(t, srv), Unordered: true, Stored: func() ([]*entry.Entry, error) { return stored(srv) }, Block: block(srv)}
		})
	})
	t.Run("Logger, one call at a time", func(t *testing.T) {
		sinktest.Run(t, func(t *testing.T) sinktest.Harness {
			srv := serve(t)
			l := client(t, srv).Logger("txtrail", logging.CommonResource(nil))
			s, err := highlevelsink.FromLogger(context.Background(), l, options(inOrder, func(o *highlevelsink.Options) { o.LogID = "txtrail" }))
			if err != nil {
				t.Fatal(err)
			}
			return sinktest.Harness{Sink: s, Stored: func() ([]*entry.Entry, error) { return stored(srv) }, Block: block(srv)}
		})
	})
}

// block makes a service answer nothing.
func block(srv *gcltest.Server) func() func() {
	return func() func() {
		srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Delay: time.Hour} })
		return func() { srv.SetFault(nil) }
	}
}
