package cloudloggingsink_test

import (
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		srv := serve(t)
		return sinktest.Harness{Sink: open(t, srv), Stored: func() ([]*entry.Entry, error) { return stored(srv) }}
	})
}
