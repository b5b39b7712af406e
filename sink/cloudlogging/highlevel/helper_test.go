package highlevelsink_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
)

// now is a day on which all samples are neither too old nor too young.
var now = time.Date(2026, 7, 4, 20, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func noEnv(string) (string, bool) { return "", false }

// serve starts a service for one test, by the clock if none is given.
func serve(t testing.TB, now ...func() time.Time) *gcltest.Server {
	t.Helper()
	srv, err := gcltest.Start(&gcltest.Options{Now: append(now, clock)[0]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// client returns one as a program has it, with a service of the tests behind it.
func client(t testing.TB, srv *gcltest.Server) *logging.Client {
	t.Helper()
	c, err := logging.NewClient(context.Background(), "shop-test", cloudloggingsink.Access{Endpoint: srv.Addr(), Insecure: true}.ClientOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	c.OnError = func(error) {}
	t.Cleanup(func() { _ = c.Close() }) // the second time it does nothing
	return c
}

func options(change ...func(*highlevelsink.Options)) *highlevelsink.Options {
	o := &highlevelsink.Options{
		ProjectID: "shop-test", Now: clock, LookupEnv: noEnv,
		Resource: &cloudloggingsink.Resource{Type: "global", Labels: map[string]string{"project_id": "shop-test"}},
	}
	for _, f := range change {
		f(o)
	}
	return o
}

// open returns a sink that writes to srv.
func open(t testing.TB, srv *gcltest.Server, change ...func(*highlevelsink.Options)) *highlevelsink.Sink {
	t.Helper()
	s, err := highlevelsink.New(context.Background(), client(t, srv), options(change...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// inOrder makes the calls come one after the other.
func inOrder(o *highlevelsink.Options) { o.Concurrent = 1 }

// written returns what the service holds but for the client's own entry, which it
// sends with the first of a process.
func written(srv *gcltest.Server) (les []*loggingpb.LogEntry) {
	for _, le := range srv.Entries() {
		if !strings.HasSuffix(le.LogName, "/logs/diagnostic-log") {
			les = append(les, le)
		}
	}
	return les
}

// stored reads back what the service holds, parts joined where the last of them is.
func stored(srv *gcltest.Server) ([]*entry.Entry, error) {
	var es []*entry.Entry
	parts := map[string][]*loggingpb.LogEntry{}
	for _, le := range written(srv) {
		p, split := cloudloggingsink.PartOf(le)
		if !split {
			e, err := cloudloggingsink.Decode(le)
			if err != nil {
				return nil, err
			}
			es = append(es, e)
			continue
		}
		if parts[p.UID] = append(parts[p.UID], le); len(parts[p.UID]) < p.Total {
			continue
		}
		e, missing, err := cloudloggingsink.Join(parts[p.UID])
		if err != nil {
			return nil, err
		}
		if missing == 0 {
			es = append(es, e)
		}
	}
	return es, nil
}

func once(f gcltest.Fault) gcltest.FaultFunc {
	return func(_ string, n int) gcltest.Fault {
		if n == 1 {
			return f
		}
		return gcltest.Fault{}
	}
}

func structOf(m map[string]any) (*structpb.Struct, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	s := &structpb.Struct{}
	err = s.UnmarshalJSON(raw)
	return s, err
}
