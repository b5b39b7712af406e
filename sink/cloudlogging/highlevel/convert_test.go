package highlevelsink

import (
	"testing"
	"time"

	"cloud.google.com/go/logging"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/google/go-cmp/cmp"
	logtypepb "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// back returns the LogEntry that the client makes of an entry, as it arrives.
func back(t *testing.T, e *logging.Entry) *loggingpb.LogEntry {
	t.Helper()
	le, err := logging.ToLogEntry(*e, "shop")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(le)
	if err != nil {
		t.Fatal(err)
	}
	le = &loggingpb.LogEntry{}
	if err := proto.Unmarshal(raw, le); err != nil {
		t.Fatal(err)
	}
	return le
}

// Whatever stands in a LogEntry, the client makes the same of what it is given.
func FuzzConvert(f *testing.F) {
	f.Add("GET", "/a?b#c", "ua", "https://r/", "1.2.3.4", "HTTP/1.1", "label", "v", "projects/shop/traces/t", "0a", int64(1), int64(2), int32(200), int64(3), true)
	f.Add("", "", "", "", "", "", "", "", "", "", int64(0), int64(0), int32(0), int64(0), false)
	f.Add("G\nT", "http://[::1%zz/%", "\x00", "\u2028", "x", "\x7f", "l\n", "\x1b", "t", "s", int64(-1), int64(1)<<62, int32(-5), int64(-1), true)
	f.Fuzz(func(t *testing.T, method, url, agent, referer, ip, protocol, label, value, trace, span string, size, seconds int64, code int32, nanos int64, flag bool) {
		want := &loggingpb.LogEntry{
			Payload: &loggingpb.LogEntry_JsonPayload{JsonPayload: &structpb.Struct{Fields: map[string]*structpb.Value{
				label: structpb.NewStringValue(value), "n": structpb.NewNumberValue(float64(size)), "nothing": structpb.NewNullValue(),
				"list": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewBoolValue(flag), structpb.NewStructValue(&structpb.Struct{})}}),
			}}},
			InsertId: "i" + span, Severity: logtypepb.LogSeverity(code), Labels: map[string]string{label: value}, Trace: "t" + trace, SpanId: span, TraceSampled: flag,
			// The sink's times are none that the client would take for none.
			Timestamp: timestamppb.New(time.Unix(seconds%4_000_000_000, nanos).UTC()),
			HttpRequest: &logtypepb.HttpRequest{
				RequestMethod: method, RequestUrl: url, UserAgent: agent, Referer: referer, RemoteIp: ip, Protocol: protocol,
				RequestSize: size, ResponseSize: seconds, Status: code, CacheHit: flag,
			},
			Operation:      &loggingpb.LogEntryOperation{Id: label, Producer: value, First: flag},
			SourceLocation: &loggingpb.LogEntrySourceLocation{File: url, Line: size, Function: method},
		}
		if nanos != 0 {
			want.HttpRequest.Latency = durationpb.New(time.Duration(nanos))
		}
		raw, err := proto.Marshal(want)
		if err != nil {
			t.Skip("no valid UTF-8, which the sink sees to")
		}
		e, err := convert(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := back(t, &e); !proto.Equal(want, got) {
			t.Errorf("not the same:\n%s", cmp.Diff(want, got, protocmp.Transform()))
		}
	})
}

// Bytes that are no LogEntry, or an odd one, are an error at most.
func FuzzConvertBytes(f *testing.F) {
	whole, err := proto.Marshal(&loggingpb.LogEntry{
		Payload: &loggingpb.LogEntry_JsonPayload{JsonPayload: &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewStringValue("b")}}},
		Split:   &loggingpb.LogSplit{Uid: "u", Index: 1, TotalSplits: 2},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte{})
	f.Add([]byte{0x32})
	f.Add([]byte{0x33, 0x34, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		req := &loggingpb.WriteLogEntriesRequest{Entries: []*loggingpb.LogEntry{{InsertId: "known"}}}
		req.ProtoReflect().SetUnknown(raw)
		list, err := messages(req)
		if err != nil {
			list = list[:1]
		}
		for _, raw := range append(list, raw) {
			before := string(raw)
			_, _ = convert(raw)
			if string(raw) != before {
				t.Fatal("the bytes, which are the request's, are changed")
			}
		}
	})
}

// What is to get the service's time gets the client's, and not that of 1970.
func TestConvertWithoutTime(t *testing.T) {
	e, err := convert([]byte{})
	if err != nil || !e.Timestamp.IsZero() {
		t.Errorf("%v, %v", e.Timestamp, err)
	}
}

// The number of a part is where readers look for it, and nothing behind the payload is
// written over.
func TestAppendSplit(t *testing.T) {
	payload, err := proto.Marshal(&structpb.Struct{Fields: map[string]*structpb.Value{"kind": structpb.NewStringValue("server")}})
	if err != nil {
		t.Fatal(err)
	}
	room := append(payload, make([]byte, 1000)...)
	got, err := appendSplit(room[:len(payload)], &loggingpb.LogSplit{Uid: "u", Index: 3, TotalSplits: 7})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range room[len(payload):] {
		if b != 0 {
			t.Fatal("what stands behind the payload is written over")
		}
	}
	s := &structpb.Struct{}
	if err := proto.Unmarshal(got, s); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"kind": "server", "split": map[string]any{"uid": "u", "index": 3.0, "total": 7.0}}
	if d := cmp.Diff(want, s.AsMap()); d != "" {
		t.Error(d)
	}
}
