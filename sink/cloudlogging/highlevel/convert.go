package highlevelsink

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"cloud.google.com/go/logging"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	logtypepb "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// Fields of WriteLogEntriesRequest and LogEntry.
const (
	fieldEntries = 4
	fieldPayload = 6 // json_payload
)

// messages returns the entries of a request in wire format. The sink puts them in as
// bytes, which the request holds as a field that it does not know; they are the
// request's.
func messages(req *loggingpb.WriteLogEntriesRequest) ([][]byte, error) {
	var list [][]byte
	for _, e := range req.GetEntries() {
		raw, err := proto.Marshal(e)
		if err != nil {
			return nil, err
		}
		list = append(list, raw)
	}
	err := fields(req.ProtoReflect().GetUnknown(), func(num protowire.Number, raw, content []byte) {
		if num == fieldEntries && content != nil {
			list = append(list, content)
		}
	})
	return list, err
}

// fields calls f with each field of a message: whole, and its content if that has a
// length.
func fields(b []byte, f func(num protowire.Number, raw, content []byte)) error {
	for len(b) > 0 {
		num, typ, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(num, typ, b[tag:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		var content []byte
		if typ == protowire.BytesType {
			content, _ = protowire.ConsumeBytes(b[tag:])
		}
		f(num, b[:tag+size], content)
		b = b[tag+size:]
	}
	return nil
}

// convert returns what the client makes the LogEntry of, which is given in wire
// format. The payload is not taken apart: a Struct whose fields are bytes that it does
// not know is on the wire the same, and the client takes a Struct as it is. It is a
// piece of raw.
func convert(raw []byte) (logging.Entry, error) {
	var payload, rest []byte
	err := fields(raw, func(num protowire.Number, raw, content []byte) {
		if num == fieldPayload && content != nil {
			payload = content
			return
		}
		rest = append(rest, raw...)
	})
	le := &loggingpb.LogEntry{}
	if err == nil {
		err = proto.Unmarshal(rest, le)
	}
	if err == nil && le.Split != nil {
		payload, err = appendSplit(payload, le.Split)
	}
	if err != nil {
		return logging.Entry{}, fmt.Errorf("the entry is no LogEntry: %w", err)
	}
	fields := &structpb.Struct{}
	fields.ProtoReflect().SetUnknown(payload)
	var at time.Time // one without a time gets the client's present: it leaves none to the service
	if le.Timestamp != nil {
		at = le.GetTimestamp().AsTime()
	}
	return logging.Entry{
		Timestamp: at, Severity: logging.Severity(le.GetSeverity()), InsertID: le.GetInsertId(),
		Payload: fields, Labels: le.GetLabels(), HTTPRequest: httpRequest(le.GetHttpRequest()),
		Operation: le.GetOperation(), SourceLocation: le.GetSourceLocation(),
		Trace: le.GetTrace(), SpanID: le.GetSpanId(), TraceSampled: le.GetTraceSampled(),
	}, nil
}

// appendSplit returns the payload with the number of the part, for which the client
// has no place: where lines of the stdout sink have it, and of the same shape.
func appendSplit(payload []byte, s *loggingpb.LogSplit) ([]byte, error) {
	one := &structpb.Struct{Fields: map[string]*structpb.Value{"split": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
		"uid":   structpb.NewStringValue(s.GetUid()),
		"index": structpb.NewNumberValue(float64(s.GetIndex())),
		"total": structpb.NewNumberValue(float64(s.GetTotalSplits())),
	}})}}
	// The room ends at the payload's: what stands behind it is the next field.
	return proto.MarshalOptions{}.MarshalAppend(payload[:len(payload):len(payload)], one)
}

// httpRequest returns a request of which the client makes r. The URL is an opaque one:
// it is not to be written in another way.
func httpRequest(r *logtypepb.HttpRequest) *logging.HTTPRequest {
	if r == nil {
		return nil
	}
	header := http.Header{"User-Agent": {r.GetUserAgent()}, "Referer": {r.GetReferer()}}
	return &logging.HTTPRequest{
		Request: &http.Request{
			Method: r.GetRequestMethod(), URL: &url.URL{Opaque: r.GetRequestUrl()}, Proto: r.GetProtocol(), Header: header,
		},
		RequestSize: r.GetRequestSize(), Status: int(r.GetStatus()), ResponseSize: r.GetResponseSize(),
		Latency: r.GetLatency().AsDuration(), LocalIP: r.GetServerIp(), RemoteIP: r.GetRemoteIp(),
		CacheHit: r.GetCacheHit(), CacheValidatedWithOriginServer: r.GetCacheValidatedWithOriginServer(),
		CacheFillBytes: r.GetCacheFillBytes(), CacheLookup: r.GetCacheLookup(),
	}
}
