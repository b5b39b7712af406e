package cloudloggingsink_test

import (
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		srv := serve(t)
		return sinktest.Harness{
			Sink: open(t, srv), Stored: func() ([]*entry.Entry, error) { return stored(srv) },
			Block: func() func() {
				srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Delay: time.Hour} })
				return func() { srv.SetFault(nil) }
			},
		}
	})
}
