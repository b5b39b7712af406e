package highlevelsink_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/google/go-cmp/cmp"
	mrpb "google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query/querytest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

// sealed returns a sample that was changed before it was sealed.
func sealed(change func(e *entry.Entry)) []*entry.Entry {
	e := sinktest.Unsealed(1)
	change(e)
	return []*entry.Entry{sinktest.Seal(e)}
}

// parsed returns the entry of a line.
func parsed(t *testing.T, line string) []*entry.Entry {
	t.Helper()
	e, err := entry.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return []*entry.Entry{e}
}

// An entry becomes the LogEntry that the sink on apiv2 makes of it, but for the number
// of a part, for which the high-level client has no place.
func TestSame(t *testing.T) {
	hostile := []string{
		"\n", "\x00", "\x1b[2J", "\x80\xff\xc0\xaf", "\xed\xa0\x80", "\u2028", "\u202e", `"`, `\`, "%zz", "//evil.example/a?b#c", "a b\tc",
		"http://user:pw@h/%2F?q=%20;x#f", "mailto:x", ":", "?", "#", "한글/경로?질의=값", strings.Repeat("x", 9000),
	}
	cases := map[string][]*entry.Entry{
		"samples":     sinktest.Samples(0, 30),
		"a scenario":  querytest.Sample(),
		"no insertId": sealed(func(e *entry.Entry) { e.InsertID = "" }),
		"minted, traced, whose": sealed(func(e *entry.Entry) {
			e.Origin, e.Trace = txid.OriginMinted, txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 5, Sampled: true}
			e.Facts.UserID, e.Severity = "8812", entry.SeverityError
			e.Resource = &entry.Resource{Service: "web", Version: "v1", Environment: "production"}
		}),
		"a log line": sealed(func(e *entry.Entry) {
			e.Kind, e.HTTP, e.Source = entry.KindLog, entry.HTTP{}, entry.Source{File: "main.go", Line: 17, Function: "main.run"}
		}),
		"of the future":       sealed(func(e *entry.Entry) { e.Time = now.Add(25 * time.Hour) }),
		"before there was":    sealed(func(e *entry.Entry) { e.Time = time.Time{} }),
		"sizes and a latency": sealed(func(e *entry.Entry) { e.Request.Body.Size, e.Response.Body.Size, e.Latency = 1<<40, 1<<50, time.Hour+1 }),
		"a hundred labels": sealed(func(e *entry.Entry) {
			for i := range 100 {
				e.Labels = append(e.Labels, entry.Label{Name: fmt.Sprint("l", i), Value: strings.Repeat("v", i)})
			}
		}),
		"every member of httpRequest, and others": parsed(t, `{"time":"2026-07-04T19:00:00.000000001Z","kind":"server","logging.googleapis.com/insertId":"i","httpRequest":{`+
			`"requestMethod":"GET","requestUrl":"https://h/a?b=c#d","requestSize":"9","status":304,"responseSize":"7","userAgent":"ua","remoteIp":"2001:db8::1",`+
			`"referer":"https://r/?x","latency":"0.000000001s","cacheHit":true,"protocol":"HTTP/2.0","later":{"x":[1,null,true]}}}`),
		"an httpRequest of nothing": parsed(t, `{"time":"2026-07-04T19:00:00Z","kind":"server","httpRequest":{}}`),
		"a trace that the client would make one of": sealed(func(e *entry.Entry) {
			e.Trace = txid.Trace{}
			e.Request.Headers = append(e.Request.Headers, entry.Header{Name: "Traceparent", Value: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
		}),
		"large": sealed(func(e *entry.Entry) {
			e.Request.Body.Content = bytes.Repeat([]byte("ok \xff\xfe\x80 한"), 60<<10)
			e.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 60<<10)
		}),
	}
	for i, s := range hostile {
		cases[fmt.Sprintf("hostile %d", i)] = sealed(func(e *entry.Entry) {
			e.Message, e.HTTP.URL, e.HTTP.UserAgent, e.HTTP.Referer, e.HTTP.Method, e.HTTP.Protocol = "a"+s, s, s, s, s, s
			e.HTTP.RemoteIP, e.Trace.ID, e.Facts.UserID, e.Error.Message = s, s, s, s
			e.Labels = append(e.Labels, entry.Label{Name: "l" + s, Value: s})
			e.Request.Body.Content = []byte(s)
		})
	}
	for name, batch := range cases {
		t.Run(name, func(t *testing.T) {
			direct, high := serve(t), serve(t)
			o := options()
			want, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{
				ProjectID: o.ProjectID, Resource: o.Resource, Endpoint: direct.Addr(), Insecure: true, Now: o.Now, LookupEnv: o.LookupEnv,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = want.Close(t.Context()) }()
			got := open(t, high, inOrder)
			if err := want.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if err := got.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			a, b := direct.Entries(), written(high)
			if len(a) != len(b) || len(a) < len(batch) {
				t.Fatalf("%d LogEntries, want %d", len(b), len(a))
			}
			for i := range a {
				w := proto.CloneOf(a[i])
				if s := w.Split; s != nil {
					moveSplit(t, w)
				}
				if !proto.Equal(w, b[i]) {
					t.Errorf("LogEntry %d is not the same:\n%s", i, cmp.Diff(w, b[i], protocmp.Transform()))
				}
			}
			if s, w := got.Stats(), want.Stats(); s.Entries != w.Entries || s.Split != w.Split || s.Clamped != w.Clamped || s.Bytes != w.Bytes || s.Requests != int64(len(a)) {
				t.Errorf("figures %+v, want %+v with %d requests", s, w, len(a))
			}
			if got.Name() != want.Name() || got.TakesLines() != want.TakesLines() {
				t.Errorf("a cursor of %q is not one of %q", want.Name(), got.Name())
			}
			es, err := stored(high)
			if err != nil || len(es) != len(batch) {
				t.Errorf("%d of %d read back: %v", len(es), len(batch), err)
			}
		})
	}
}

// moveSplit puts the number of a part to where readers find it too.
func moveSplit(t *testing.T, le *loggingpb.LogEntry) {
	t.Helper()
	p, ok := cloudloggingsink.PartOf(le)
	if !ok {
		t.Fatalf("no part: %v", le.Split)
	}
	le.Split = nil
	split, err := structOf(map[string]any{"split": map[string]any{"uid": p.UID, "index": p.Index, "total": p.Total}})
	if err != nil {
		t.Fatal(err)
	}
	proto.Merge(le.GetJsonPayload(), split)
	if got, ok := cloudloggingsink.PartOf(le); !ok || got != p {
		t.Fatalf("readers take it for %+v", got)
	}
}

// Resources: of a client each entry has its own, of a Logger the Logger's, unless one
// is given.
func TestResource(t *testing.T) {
	srv := serve(t)
	c := client(t, srv)
	l := c.Logger("theirs/log", logging.CommonResource(&mrpb.MonitoredResource{Type: "gce_instance"}), logging.CommonLabels(map[string]string{"team": "shop"}))
	for _, tt := range []struct {
		name, kind, log string
		open            func() (*highlevelsink.Sink, error)
		labels          int
	}{
		{"detected", "cloud_run_revision", "txtrail", func() (*highlevelsink.Sink, error) {
			return highlevelsink.New(t.Context(), c, &highlevelsink.Options{
				ProjectID: "shop-test", Now: clock, Metadata: func(context.Context, string) string { return "x" },
				LookupEnv: func(k string) (string, bool) {
					v, ok := map[string]string{"K_SERVICE": "web", "K_REVISION": "web-1", "K_CONFIGURATION": "web"}[k]
					return v, ok
				},
			})
		}, 2},
		{"given", "global", "other/log", func() (*highlevelsink.Sink, error) {
			return highlevelsink.New(t.Context(), c, options(func(o *highlevelsink.Options) { o.LogID = "other/log" }))
		}, 2},
		{"the Logger's", "gce_instance", "theirs/log", func() (*highlevelsink.Sink, error) {
			return highlevelsink.FromLogger(t.Context(), l, options(func(o *highlevelsink.Options) { o.LogID, o.Resource = "theirs/log", nil }))
		}, 3},
		{"given to the Logger", "global", "theirs/log", func() (*highlevelsink.Sink, error) {
			return highlevelsink.FromLogger(t.Context(), l, options(func(o *highlevelsink.Options) { o.LogID = "theirs/log" }))
		}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := tt.open()
			if err != nil {
				t.Fatal(err)
			}
			before := len(written(srv))
			if err := s.Write(t.Context(), sinktest.Samples(0, 1)); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			le := written(srv)[before]
			if le.Resource.Type != tt.kind || len(le.Labels) != tt.labels {
				t.Errorf("resource %v, labels %v", le.Resource, le.Labels)
			}
			if want := "projects/shop-test/logs/" + strings.ReplaceAll(tt.log, "/", "%2F"); le.LogName != want || s.Name() != "cloudlogging:"+want {
				t.Errorf("log %s, name %s, want %s", le.LogName, s.Name(), want)
			}
		})
	}
}
