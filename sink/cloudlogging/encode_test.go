package cloudloggingsink

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/google/go-cmp/cmp"
	ltype "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query/querytest"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// byHand builds the message of a line the long way, from what the documentation
// says of a LogEntry and of structured logging's special fields.
func byHand(t testing.TB, line []byte) *loggingpb.LogEntry {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatal(err)
	}
	e, err := entry.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	le := &loggingpb.LogEntry{
		Timestamp: timestamppb.New(e.Time), InsertId: e.InsertID, Severity: ltype.LogSeverity(e.Severity),
		SpanId: func() string { v, _ := m[keySpanID].(string); return v }(), TraceSampled: e.Trace.Sampled,
	}
	if e.Trace.ID != "" {
		le.Trace = "projects/p/traces/" + e.Trace.ID
	}
	if h, ok := m["httpRequest"].(map[string]any); ok {
		num := func(v any) int64 {
			switch v := v.(type) {
			case string:
				n, _ := strconv.ParseInt(v, 10, 64)
				return n
			case float64:
				return int64(v)
			}
			return 0
		}
		str := func(k string) string { v, _ := h[k].(string); return v }
		hit, _ := h["cacheHit"].(bool)
		le.HttpRequest = &ltype.HttpRequest{
			RequestMethod: str("requestMethod"), RequestUrl: str("requestUrl"), UserAgent: str("userAgent"), RemoteIp: str("remoteIp"),
			Referer: str("referer"), Protocol: str("protocol"), CacheHit: hit, Status: int32(min(max(num(h["status"]), math.MinInt32), math.MaxInt32)),
			RequestSize: num(h["requestSize"]), ResponseSize: num(h["responseSize"]),
		}
		if e.Latency > 0 {
			le.HttpRequest.Latency = durationpb.New(e.Latency)
		}
	}
	if s, ok := m[keySource].(map[string]any); ok {
		le.SourceLocation = &loggingpb.LogEntrySourceLocation{}
		le.SourceLocation.File, _ = s["file"].(string)
		le.SourceLocation.Function, _ = s["function"].(string)
		le.SourceLocation.Line = int64(e.Source.Line)
	}
	labels := map[string]string{}
	if e.TxID != "" {
		labels["txid"] = string(e.TxID)
		le.Operation = &loggingpb.LogEntryOperation{
			Id: string(e.TxID), Producer: entry.Producer,
			First: e.Kind == entry.KindServer && e.Origin == txid.OriginMinted && e.Parent == 0,
		}
	}
	size := 0
	var list []any
	for _, l := range e.Labels {
		list = append(list, map[string]any{"name": l.Name, "value": l.Value})
		if size += len(l.Name) + len(l.Value); size <= 32<<10 {
			labels[l.Name] = l.Value
		}
	}
	own := map[string]string{"user": e.Facts.UserID}
	delete(labels, "user")
	if r := e.Resource; r != nil {
		own["service"], own["version"], own["environment"] = r.Service, r.Version, r.Environment
	}
	for _, k := range []string{"service", "version", "environment", "user"} {
		delete(labels, k)
		if own[k] != "" {
			labels[k] = own[k]
		}
	}
	if len(labels) > 0 {
		le.Labels = labels
	}
	for _, k := range []string{"time", "severity", "httpRequest", keyInsertID, keyLabels, keyOperation, keySource, keySpanID, keyTrace, keySampled} {
		delete(m, k)
	}
	if list != nil {
		m["labels"] = list
	}
	p, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	le.Payload = &loggingpb.LogEntry_JsonPayload{JsonPayload: p}
	return le
}

func newEncoder() *encoder { return &encoder{trace: "projects/p/traces/", past: defaultPast} }

func encode(t testing.TB, x *encoder, line []byte, p part) *loggingpb.LogEntry {
	t.Helper()
	b, err := x.append(nil, line, testNow, p)
	if err != nil {
		t.Fatalf("%v: %.300s", err, line)
	}
	req := &loggingpb.WriteLogEntriesRequest{}
	if err := proto.Unmarshal(b, req); err != nil {
		t.Fatal(err)
	}
	if len(req.Entries) != 1 {
		t.Fatalf("%d entries", len(req.Entries))
	}
	return req.Entries[0]
}

// corpus is an entry of each sort and a few that are not.
func corpus() []*entry.Entry {
	seal := sinktest.Seal
	es := append(querytest.Sample(), sinktest.Samples(0, 3)...)
	long := strings.Repeat("길다 ", 3000)
	full := sinktest.Unsealed(7)
	full.Trace = txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 0xb7ad6b7169203331, Sampled: true}
	full.Source = entry.Source{File: "pay.go", Line: 42, Function: "main.pay"}
	full.Origin = txid.OriginMinted
	full.Flags = []string{entry.FlagStreamed, entry.FlagReused}
	full.Facts = entry.Facts{UserID: "8812", Device: "iPhone15,2", Country: "KR", Carried: []entry.Label{{Name: "X-Client-Plan", Value: "gold"}}}
	full.Labels = []entry.Label{{Name: "zeta", Value: "1"}, {Name: "service", Value: "mine"}, {Name: "alpha \"q\"", Value: "a\nb"}, {Name: "empty"}}
	full.Resource = &entry.Resource{Service: "web", Version: "v1", Environment: "prod", Instance: "i-1", Host: "h", PID: 7, ServerUser: "mina", Attributes: []entry.Label{{Name: "zone", Value: "b"}}}
	full.Timings = entry.Timings{DNS: 1234567, Wait: 3 * time.Second, Handler: time.Hour + 1}
	full.Redactions = []entry.Redaction{{Rule: "card", Count: 2}}
	full.HTTP.CacheHit, full.HTTP.Deadline = true, 1500*time.Millisecond
	full.Response.Body.Content = []byte(`{"memo":"줄\n바꿈 \"따옴표\" \u0000","n":[1,2,3]}` + long)
	full.Response.Headers = append(full.Response.Headers, entry.Header{Name: "X-Empty"}, entry.Header{Name: "X-Long", Value: long[:4000]})
	return append(es, seal(full),
		seal(&entry.Entry{Kind: entry.KindLog}),
		seal(&entry.Entry{Kind: entry.KindGap, InsertID: "g", Time: testNow, Gap: &entry.Gap{Count: 3, Bytes: 1 << 40, Reason: "queue full", From: testNow, To: testNow.Add(1)}}),
		seal(&entry.Entry{Kind: entry.KindLog, Time: testNow, InsertID: "ctl", Message: "\x00\x01\x7f\u0085\u2028\U0010ffff\ufeff", Severity: entry.SeverityEmergency}),
	)
}

func TestEncodeByHand(t *testing.T) {
	x := newEncoder()
	for _, e := range corpus() {
		got, want := encode(t, x, e.Line(), part{}), byHand(t, e.Line())
		if e.InsertID == "" {
			want.InsertId = got.InsertId
			if !strings.HasPrefix(got.InsertId, "txtrail") {
				t.Errorf("no insertId was made: %q", got.InsertId)
			}
		}
		if e.Time.IsZero() || testNow.Sub(e.Time) > defaultPast {
			want.Timestamp = timestamppb.New(testNow)
			want.GetJsonPayload().Fields["time"] = structpb.NewStringValue(string(entry.AppendTime(nil, e.Time)))
		}
		if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
			t.Errorf("%s: %s", e.InsertID, d)
		}
		if len(got.ProtoReflect().GetUnknown()) > 0 || len(got.GetHttpRequest().ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("%s: fields that the service does not know", e.InsertID)
		}
	}
}

// What was written is read back to the byte.
func TestRoundTrip(t *testing.T) {
	x := newEncoder()
	for _, e := range corpus() {
		if e.InsertID == "" { // it is made up
			continue
		}
		back, err := Decode(encode(t, x, e.Line(), part{}))
		if err != nil {
			t.Error(err)
			continue
		}
		if d := cmp.Diff(string(e.Line()), string(back.Line())); d != "" {
			t.Errorf("%s: %s", e.InsertID, d)
		}
	}
}

func TestEncodeClamps(t *testing.T) {
	x := newEncoder()
	for _, tt := range []struct {
		at      time.Duration
		clamped bool
	}{{0, false}, {24 * time.Hour, false}, {24*time.Hour + 1, true}, {100 * 365 * 24 * time.Hour, true}, {-time.Hour, false}, {-28 * 24 * time.Hour, false}, {-30 * 24 * time.Hour, true}, {-50 * 365 * 24 * time.Hour, true}} {
		e := sinktest.Unsealed(1)
		e.Time = testNow.Add(tt.at)
		sinktest.Seal(e)
		le := encode(t, x, e.Line(), part{})
		want := e.Time
		if tt.clamped {
			want = testNow
		}
		if x.clamped != tt.clamped || !le.Timestamp.AsTime().Equal(want) {
			t.Errorf("%v ahead: clamped %v, timestamp %v", tt.at, x.clamped, le.Timestamp.AsTime())
		}
		back, err := Decode(le)
		if err != nil || !back.Time.Equal(e.Time) || !bytes.Equal(back.Line(), e.Line()) {
			t.Errorf("%v ahead comes back as %v, %v", tt.at, back.Time, err)
		}
	}
}

func TestEncodeLabels(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"time":"2026-11-20T12:00:00.000000000Z","kind":"log","` + keyLabels + `":{"txid":"label-0001"`)
	for i := range 200 {
		b.WriteString(`,"l` + strconv.Itoa(i) + `":"v"`)
	}
	b.WriteString(`,"` + strings.Repeat("k", 600) + `":"long name","big":"` + strings.Repeat("v", 70<<10) + `","":"nameless"}}`)
	le := encode(t, newEncoder(), []byte(b.String()), part{})
	if n := len(le.Labels); n > maxLabels {
		t.Errorf("%d labels", n)
	}
	for k, v := range le.Labels {
		if len(k) > maxLabelKey || len(v) > maxLabelValue || k == "" {
			t.Errorf("label %.20q has %d and %d bytes", k, len(k), len(v))
		}
	}
	if n := len(le.GetJsonPayload().Fields["labels"].GetListValue().Values); n != 203 {
		t.Errorf("%d labels in the payload, want all 203", n)
	}
}

func TestEncodeNewerLine(t *testing.T) {
	line := `{"time":"2026-11-20T12:00:00.000000000Z","kind":"log","future":{"a":[1,{"b":null},true,"x"],"n":-1.5e3},"httpRequest":{"status":200,"serverIp":"10.0.0.1"}}`
	le := encode(t, newEncoder(), []byte(line), part{})
	f := le.GetJsonPayload().AsMap()
	want := map[string]any{"a": []any{1.0, map[string]any{"b": nil}, true, "x"}, "n": -1500.0}
	if d := cmp.Diff(want, f["future"]); d != "" {
		t.Error(d)
	}
	if le.HttpRequest.Status != 200 || f["httpRequest"].(map[string]any)["serverIp"] != "10.0.0.1" {
		t.Errorf("a field of httpRequest that is not known is lost: %v", le)
	}
}

func TestEncodeRefuses(t *testing.T) {
	x := newEncoder()
	for _, line := range []string{
		"", "{", "[]", "null", `{"time":"yesterday"}`, `{"time":1}`, `{"a":}`, `{"a":1,}`, `{"a" 1}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":tru}`,
		`{"a":1}x`, `{"a":1}{`, "{\"a\":\"\n\"}", `{"a":"`, `{"a":"\`, `{"a":-}`, `{"a":1e}`, `{"httpRequest":1}`, `{"kind":1}`,
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		kept := []byte("kept")
		b, err := x.append(kept, []byte(line), testNow, part{})
		if err == nil {
			t.Errorf("%q is taken", line)
		}
		if string(b) != "kept" {
			t.Errorf("%q leaves %q", line, b)
		}
	}
	// The encoder works on.
	encode(t, x, sinktest.Sample(1).Line(), part{})
}

func TestEncodeUTF8(t *testing.T) {
	line := "{\"time\":\"2026-11-20T12:00:00.000000000Z\",\"kind\":\"log\",\"message\":\"a\x80b\xed\xa0\x80c\\ud800d\\ud83d\\ude00\"}"
	le := encode(t, newEncoder(), []byte(line), part{})
	if got, want := le.GetJsonPayload().Fields["message"].GetStringValue(), "a\ufffdb\ufffdc\ufffdd😀"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for _, d := range []time.Duration{1, 999, 1e6, 1e6 + 1, 123456789, 100 * 24 * time.Hour, math.MaxInt64} {
		e := sinktest.Unsealed(1)
		e.HTTP.Deadline, e.Timings.Wait, e.Latency = d, d, d
		sinktest.Seal(e)
		back, err := Decode(encode(t, newEncoder(), e.Line(), part{}))
		if err != nil {
			t.Errorf("%v: %v", d, err)
			continue
		}
		if back.HTTP.Deadline != d || back.Timings.Wait != d || back.Latency != d {
			t.Errorf("%v comes back as %v, %v, %v", d, back.HTTP.Deadline, back.Timings.Wait, back.Latency)
		}
	}
	e := &entry.Entry{Time: testNow, Kind: entry.KindGap, InsertID: "g", Gap: &entry.Gap{Count: math.MaxInt64, Bytes: 1 << 52}}
	sinktest.Seal(e)
	back, err := Decode(encode(t, newEncoder(), e.Line(), part{}))
	if err != nil || back.Gap.Count != math.MaxInt64 || back.Gap.Bytes != 1<<52 {
		t.Errorf("%+v, %v", back.Gap, err)
	}
}

func TestEncodeAllocs(t *testing.T) {
	x := newEncoder()
	line := sinktest.Sample(1).Line()
	buf := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(100, func() { _, _ = x.append(buf, line, testNow, part{}) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzEncode(f *testing.F) {
	for _, e := range corpus() {
		f.Add(e.Line())
	}
	f.Add([]byte(`{"a":"\u0041\ud800\udc00\\","b":[[],{}],"c":-0.5e-3}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		x := newEncoder()
		b, err := x.append(nil, line, testNow, part{})
		if err != nil {
			if len(b) > 0 {
				t.Fatal("bytes with an error")
			}
			return
		}
		req := &loggingpb.WriteLogEntriesRequest{}
		if err := proto.Unmarshal(b, req); err != nil { // invalid UTF-8 fails here too
			t.Fatalf("%v for %q", err, line)
		}
		if len(req.Entries) != 1 || len(req.ProtoReflect().GetUnknown()) > 0 {
			t.Fatal("not one entry")
		}
		sealed, err := entry.Parse(line)
		if err != nil || sealed.InsertID == "" || sealed.Kind == "" {
			return
		}
		if sealed, err = entry.Parse(sealed.AppendJSON(nil)); err != nil {
			return
		}
		le := encode(t, x, sealed.Line(), part{})
		back, err := Decode(le)
		if err != nil {
			t.Fatalf("%v for %q", err, sealed.Line())
		}
		if back.TxID != sealed.TxID || back.InsertID != sealed.InsertID || back.Message != sealed.Message || !bytes.Equal(back.Request.Body.Content, sealed.Request.Body.Content) {
			t.Fatalf("got  %q\nwant %q", back.Line(), sealed.Line())
		}
	})
}
