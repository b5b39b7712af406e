package cloudloggingsink_test

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// now is a day on which all samples are neither too old nor too young.
var now = time.Date(2026, 7, 4, 20, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// serve starts a service for one test.
func serve(t *testing.T) *gcltest.Server {
	t.Helper()
	srv, err := gcltest.Start(&gcltest.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// open returns a sink that writes to srv.
func open(t *testing.T, srv *gcltest.Server, change ...func(*cloudloggingsink.Options)) *cloudloggingsink.Sink {
	t.Helper()
	o := &cloudloggingsink.Options{
		ProjectID: "shop-test", Endpoint: srv.Addr(), Insecure: true, Now: clock,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	for _, f := range change {
		f(o)
	}
	s, err := cloudloggingsink.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// stored reads back what the service holds, parts joined.
func stored(srv *gcltest.Server) ([]*entry.Entry, error) {
	var es []*entry.Entry
	var parts []*loggingpb.LogEntry
	for _, le := range srv.Entries() {
		p, ok := cloudloggingsink.PartOf(le)
		var e *entry.Entry
		var err error
		if ok {
			if parts = append(parts, le); p.Index < p.Total-1 {
				continue
			}
			e, _, err = cloudloggingsink.Join(parts)
			parts = nil
		} else {
			e, err = cloudloggingsink.Decode(le)
		}
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, nil
}
