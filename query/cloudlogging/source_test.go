package cloudloggingquery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/api/option"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	"github.com/txtrail/txtrail/query/querytest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is a day on which all samples are neither too old nor too young.
var now = time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// world is a service, a sink that writes to it and a source that reads it.
type world struct {
	net  *gcltest.Memory // nil on the loopback
	srv  *gcltest.Server
	sink *cloudloggingsink.Sink
	src  *cloudloggingquery.Source
}

func open(t *testing.T, change ...func(*cloudloggingquery.Options)) *world {
	t.Helper()
	return openFuzz(t, change...)
}

func openFuzz(t testing.TB, change ...func(*cloudloggingquery.Options)) *world {
	t.Helper()
	return openOn(t, nil, clock, change...)
}

// bubble runs f in a bubble of testing/synctest, with a service in memory: hours, of
// gRPC's own timers too, take no time. The clock begins with now.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f(t, openOn(t, &gcltest.Memory{}, func() time.Time { return now.Add(time.Since(began)) }))
	})
}

// openOn opens a world on the loopback, or on a network in memory.
func openOn(t testing.TB, memory *gcltest.Memory, clock func() time.Time, change ...func(*cloudloggingquery.Options)) *world {
	t.Helper()
	so := &gcltest.Options{Now: clock}
	var dial []option.ClientOption
	if memory != nil {
		so.Listen, dial = memory.Listen, []option.ClientOption{memory.Option()}
	}
	srv, err := gcltest.Start(so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	endpoint := gcltest.MemoryEndpoint
	if memory == nil {
		endpoint = srv.Addr()
	}
	s, err := cloudloggingsink.New(context.Background(), &cloudloggingsink.Options{
		ProjectID: "shop-test", Endpoint: endpoint, Insecure: true, Now: clock, ClientOptions: dial,
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	o := &cloudloggingquery.Options{ProjectID: "shop-test", Endpoint: endpoint, Insecure: true, ClientOptions: dial, Now: clock, Keep: -1, Budget: 1 << 30}
	for _, f := range change {
		f(o)
	}
	src, err := cloudloggingquery.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return &world{memory, srv, s, src}
}

func (w *world) write(t testing.TB, es ...*entry.Entry) {
	t.Helper()
	if err := w.sink.Write(t.Context(), es); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	querytest.Run(t, func(t *testing.T) querytest.Harness {
		w := open(t)
		return querytest.Harness{Source: w.src, Write: func(es ...*entry.Entry) error { return w.sink.Write(context.Background(), es) }}
	})
}
