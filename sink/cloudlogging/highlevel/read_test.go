package highlevelsink_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	"github.com/txtrail/txtrail/query/querytest"
	"github.com/txtrail/txtrail/sink"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// world is a sink, and a source that reads what it writes.
func world(t *testing.T) (sink.Sink, *cloudloggingquery.Source) {
	t.Helper()
	later := func() time.Time { return time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC) } // of querytest's samples
	srv, err := gcltest.Start(&gcltest.Options{Now: later})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	s := open(t, srv, func(o *highlevelsink.Options) { o.Now = later })
	src, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{
		ProjectID: "shop-test", Endpoint: srv.Addr(), Insecure: true, Now: later, Keep: -1, Budget: 1 << 30,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return s, src
}

// What is written by the high-level client is read as what the other sink writes.
func TestRead(t *testing.T) {
	querytest.Run(t, func(t *testing.T) querytest.Harness {
		s, src := world(t)
		return querytest.Harness{Source: src, Write: func(es ...*entry.Entry) error { return s.Write(context.Background(), es) }}
	})
}

// The parts of a large entry are one again.
func TestReadParts(t *testing.T) {
	s, src := world(t)
	e := sinktest.Unsealed(3)
	e.Time, e.TxID = time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC), "scenario-of-a-large-one"
	e.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 100<<10)
	sinktest.Seal(e)
	for range 2 { // as after a lost answer
		if err := s.Write(t.Context(), []*entry.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := src.Lookup(t.Context(), string(e.TxID))
	if err != nil || len(r.Entries) != 1 || r.Partial() {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := r.Entries[0]; !bytes.Equal(got.Line(), e.Line()) {
		t.Errorf("%d bytes, want %d", len(got.Line()), len(e.Line()))
	}
}
