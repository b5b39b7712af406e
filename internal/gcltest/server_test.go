package gcltest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	logging "cloud.google.com/go/logging/apiv2"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/googleapis/gax-go/v2"
	"go.uber.org/goleak"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/api/monitoredres"
	ltype "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, opts *Options) (*Server, *logging.Client) {
	t.Helper()
	s, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := logging.NewClient(context.Background(), option.WithEndpoint(s.Addr()), option.WithoutAuthentication(), option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}

func once() gax.CallOption { return gax.WithRetry(func() gax.Retryer { return nil }) }

func logEntry(i int, change ...func(*loggingpb.LogEntry)) *loggingpb.LogEntry {
	e := &loggingpb.LogEntry{
		Timestamp: timestamppb.New(noon.Add(time.Duration(i) * time.Second)), InsertId: fmt.Sprintf("i%04d", i),
		Payload: &loggingpb.LogEntry_JsonPayload{JsonPayload: &structpb.Struct{Fields: map[string]*structpb.Value{"n": structpb.NewNumberValue(float64(i))}}},
	}
	for _, f := range change {
		f(e)
	}
	return e
}

// What the service refuses, by entry.
func TestLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*loggingpb.LogEntry)
		kept   bool // accepted and shown
		says   string
	}{
		"good": {func(*loggingpb.LogEntry) {}, true, ""},
		"large": {func(e *loggingpb.LogEntry) {
			e.GetJsonPayload().Fields["x"] = structpb.NewStringValue(strings.Repeat("x", MaxEntryBytes))
		}, false, "exceeds maximum size"},
		"large with its resource": {func(e *loggingpb.LogEntry) {
			e.Resource = &monitoredres.MonitoredResource{Type: "global", Labels: map[string]string{"project_id": strings.Repeat("p", MaxEntryBytes)}}
		}, false, "exceeds maximum size"},
		"almost large": {func(e *loggingpb.LogEntry) {
			e.GetJsonPayload().Fields["x"] = structpb.NewStringValue(strings.Repeat("x", MaxEntryBytes-200))
		}, true, ""},
		"labels": {func(e *loggingpb.LogEntry) {
			e.Labels = map[string]string{}
			for i := range MaxLabels + 1 {
				e.Labels[fmt.Sprint(i)] = ""
			}
		}, false, "labels"},
		"no payload":    {func(e *loggingpb.LogEntry) { e.Payload = nil }, false, "no payload"},
		"bad log":       {func(e *loggingpb.LogEntry) { e.LogName = "txtrail" }, false, "Log name"},
		"bad time":      {func(e *loggingpb.LogEntry) { e.Timestamp = &timestamppb.Timestamp{Nanos: -1} }, false, "nanos"},
		"bad split":     {func(e *loggingpb.LogEntry) { e.Split = &loggingpb.LogSplit{Uid: "u", Index: 2, TotalSplits: 2} }, false, "split"},
		"a day ahead":   {func(e *loggingpb.LogEntry) { e.Timestamp = timestamppb.New(noon.Add(24 * time.Hour)) }, true, ""},
		"further ahead": {func(e *loggingpb.LogEntry) { e.Timestamp = timestamppb.New(noon.Add(24*time.Hour + 1)) }, false, "in the future"},
		"too old":       {func(e *loggingpb.LogEntry) { e.Timestamp = timestamppb.New(noon.Add(-31 * 24 * time.Hour)) }, false, ""},
	} {
		s, c := open(t, &Options{Now: func() time.Time { return noon }})
		for _, partial := range []bool{false, true} {
			before := len(s.Entries())
			_, err := c.WriteLogEntries(t.Context(), &loggingpb.WriteLogEntriesRequest{
				LogName: "projects/p/logs/l", PartialSuccess: partial, Entries: []*loggingpb.LogEntry{logEntry(1), logEntry(2, tt.change), logEntry(3)},
			}, once())
			got, want := len(s.Entries())-before, 3
			switch {
			case tt.says != "" && !partial:
				want = 0
			case !tt.kept:
				want = 2
			}
			if got != want {
				t.Errorf("%s, partial %v: %d stored, want %d", name, partial, got, want)
			}
			if tt.says == "" {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", name, err)
			}
			st, _ := status.FromError(err)
			var named []int32
			for _, d := range st.Details() {
				if p, ok := d.(*loggingpb.WriteLogEntriesPartialErrors); ok {
					for i := range p.LogEntryErrors {
						named = append(named, i)
					}
				}
			}
			if partial != (len(named) == 1 && named[0] == 1) {
				t.Errorf("%s, partial %v: names %v", name, partial, named)
			}
		}
	}
	_, c := open(t, nil)
	var many []*loggingpb.LogEntry
	for i := range 60 {
		many = append(many, logEntry(i, func(e *loggingpb.LogEntry) {
			e.GetJsonPayload().Fields["x"] = structpb.NewStringValue(strings.Repeat("x", 200<<10))
		}))
	}
	if _, err := c.WriteLogEntries(t.Context(), &loggingpb.WriteLogEntriesRequest{LogName: "projects/p/logs/l", Entries: many}, once()); status.Code(err) != codes.InvalidArgument {
		t.Errorf("12 MB: %v", err)
	}
}

func TestList(t *testing.T) {
	s, c := open(t, &Options{Now: func() time.Time { return noon }})
	var es []*loggingpb.LogEntry
	for i := range 25 {
		es = append(es, logEntry(i))
	}
	es = append(es, logEntry(3)) // once more
	for range 2 {
		if _, err := c.WriteLogEntries(t.Context(), &loggingpb.WriteLogEntriesRequest{LogName: "projects/p/logs/l", Entries: es}, once()); err != nil {
			t.Fatal(err)
		}
	}
	s.Put(logEntry(1, func(e *loggingpb.LogEntry) { e.LogName = "projects/other/logs/l" }))
	ask := func(req *loggingpb.ListLogEntriesRequest) (*loggingpb.ListLogEntriesResponse, error) {
		if req.ResourceNames == nil {
			req.ResourceNames = []string{"projects/p"}
		}
		return s.ListLogEntries(t.Context(), req)
	}
	var ids []string
	token := ""
	for pages := 1; ; pages++ {
		r, err := ask(&loggingpb.ListLogEntriesRequest{PageSize: 10, OrderBy: "timestamp desc", PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Entries {
			ids = append(ids, e.InsertId)
		}
		if token = r.NextPageToken; token == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if len(ids) != 25 || ids[0] != "i0024" || ids[24] != "i0000" {
		t.Errorf("%d: %v", len(ids), ids)
	}
	r, _ := ask(&loggingpb.ListLogEntriesRequest{PageSize: 10})
	for name, req := range map[string]*loggingpb.ListLogEntriesRequest{
		"page size":     {PageSize: 1001},
		"negative":      {PageSize: -1},
		"order":         {OrderBy: "severity"},
		"filter":        {Filter: "sample(insertId, 0.5)"},
		"long filter":   {Filter: `"` + strings.Repeat("x", MaxFilter) + `"`},
		"resource":      {ResourceNames: []string{"p"}},
		"other's token": {PageSize: 10, OrderBy: "timestamp desc", PageToken: r.NextPageToken},
		"no token":      {PageToken: "x"},
	} {
		if _, err := ask(req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQuota(t *testing.T) {
	now := noon
	s, _ := open(t, &Options{Quota: true, Now: func() time.Time { return now }})
	req := &loggingpb.ListLogEntriesRequest{ResourceNames: []string{"projects/p"}}
	for i := range ReadsPerMinute + 1 {
		_, err := s.ListLogEntries(t.Context(), req)
		if (err != nil) != (i == ReadsPerMinute) {
			t.Fatalf("read %d: %v", i, err)
		}
		if err != nil {
			st, _ := status.FromError(err)
			info, ok := st.Details()[0].(*errdetails.RetryInfo)
			if st.Code() != codes.ResourceExhausted || !ok || info.RetryDelay.AsDuration() > time.Minute {
				t.Errorf("%v", err)
			}
		}
		now = now.Add(time.Millisecond)
	}
	now = now.Add(time.Minute)
	if _, err := s.ListLogEntries(t.Context(), req); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestFilter(t *testing.T) {
	e := logEntry(1, func(e *loggingpb.LogEntry) {
		e.LogName, e.Severity = "projects/p/logs/a%2Fb", ltype.LogSeverity_ERROR
		e.Labels = map[string]string{"user": "8812", "k8s-pod/app": "Web"}
		e.Operation = &loggingpb.LogEntryOperation{Id: "Abc-1", Producer: "p", First: true}
		e.HttpRequest = &ltype.HttpRequest{Status: 503, RequestUrl: "/Pay?x=1", Latency: durationpb.New(1500 * time.Millisecond)}
		e.Split = &loggingpb.LogSplit{Uid: "u", Index: 1, TotalSplits: 2}
		p, err := structpb.NewStruct(map[string]any{"kind": "server", "list": []any{map[string]any{"name": "n1"}, map[string]any{"name": "n2"}}, "deep": map[string]any{"n": 5.0, "q\"k": "v"}, "null": nil})
		if err != nil {
			t.Fatal(err)
		}
		e.Payload = &loggingpb.LogEntry_JsonPayload{JsonPayload: p}
	})
	for text, want := range map[string]bool{
		"":                                true,
		`log_id("a/b")`:                   true,
		`log_id("a")`:                     false,
		`logName="projects/p/logs/a%2Fb"`: true,
		`labels.user="8812"`:              true,
		`labels."k8s-pod/app"="web"`:      true, // case is ignored
		`operation.id="abc-1"`:            true,
		`operation.id=~"^abc"`:            false, // but not here
		`operation.id=~"^Abc"`:            true,
		`operation.id!~"^Abc"`:            false,
		`operation.id=("x" OR "Abc-1")`:   true,
		`severity>=ERROR`:                 true,
		`severity>ERROR`:                  false,
		`httpRequest.status>=500 AND httpRequest.status<=599`: true,
		`NOT httpRequest.status>0`:                            false,
		`-httpRequest.responseSize>0`:                         true, // not there
		`httpRequest.latency>="1.5s"`:                         true,
		`httpRequest.latency>"1.5s"`:                          false,
		`timestamp>="2026-11-20T12:00:01Z"`:                   true,
		`timestamp>"2026-11-20T12:00:01Z"`:                    false,
		`jsonPayload.kind:"ERV"`:                              true,
		`jsonPayload.list.name="n2"`:                          true,
		`jsonPayload.deep.n>4`:                                true,
		`jsonPayload.deep."q\"k"="v"`:                         true,
		`jsonPayload.deep:*`:                                  true,
		`jsonPayload.shallow:*`:                               false,
		`jsonPayload.shallow!="x"`:                            true,
		`split.uid="u" AND split.index=1`:                     true,
		`"PAY"`:                                               true,
		`"n1" AND NOT "n3"`:                                   true,
		`"x" OR "pay" AND "nothing"`:                          false, // OR binds tighter
		`("nothing" AND "x") OR "pay"`:                        true,
		`jsonPayload.kind="a\nb\t\"\\\u0041"`:                 false,
	} {
		f, err := parseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.match(e); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{
		"a b", `labels="x"`, `labels.`, `unknown="x"`, `jsonPayload="x"`, `"open`, `"a\x"`, `"a\u12"`, "\"a\nb\"", `(`, `"a" AND`, `"a" "b"`, `"a" and "b"`,
		`operation.id=`, `operation.id=AND`, `operation.id=("a" AND "b")`, `operation.id=~"["`, `severity>=LOUD`, `timestamp>="now"`, `timestamp="x"`, `timestamp:"2026"`,
		`httpRequest.status>="many"`, `httpRequest.latency>="long"`, `labels.a>"b"`, `NOT`, `log_id("a"`, `log_id(a)`, `sample(insertId, 1)`, `a=1 # comment`, `;`,
	} {
		if _, err := parseFilter(text); err == nil {
			t.Errorf("%s is understood", text)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{`(log_id("txtrail") OR operation.producer="x") AND timestamp>="2026-11-20T12:00:01Z"`, `NOT labels."a.b":*`, `"\u0041"`, `-"x"`} {
		f.Add(s)
	}
	e := logEntry(1)
	f.Fuzz(func(_ *testing.T, s string) {
		if p, err := parseFilter(s); err == nil {
			p.match(e)
		}
	})
}
