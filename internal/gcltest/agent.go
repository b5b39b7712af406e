package gcltest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	ltype "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// LogEntry is what the service stores, by a name that needs no other import.
type LogEntry = loggingpb.LogEntry

// maxAgentLine is where container runtimes cut a line.
const maxAgentLine = 16 << 10

// Agent does with a line of standard output what Google's logging agents do: the
// special fields become the LogEntry's, the others its jsonPayload
// (cloud.google.com/logging/docs/structured-logging). A line that is cut by the runtime
// is an error, as is one that is no JSON: both would become text.
func Agent(line []byte, logName string) (*loggingpb.LogEntry, error) {
	if len(line) > maxAgentLine {
		return nil, fmt.Errorf("gcltest: a line of %d bytes is cut at %d", len(line), maxAgentLine)
	}
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, fmt.Errorf("gcltest: %w", err)
	}
	take := func(k string) any {
		v := m[k]
		delete(m, k)
		return v
	}
	text := func(v any) string { s, _ := v.(string); return s }
	e := &loggingpb.LogEntry{LogName: logName}
	if s := text(m["time"]); s != "" {
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			take("time")
			e.Timestamp = timestamppb.New(at)
		}
	}
	e.Severity = ltype.LogSeverity(ltype.LogSeverity_value[strings.ToUpper(text(take("severity")))])
	const special = "logging.googleapis.com/"
	e.InsertId = text(take(special + "insertId"))
	e.Trace = text(take(special + "trace"))
	e.SpanId = text(take(special + "spanId"))
	e.TraceSampled, _ = take(special + "trace_sampled").(bool)
	if labels, ok := take(special + "labels").(map[string]any); ok {
		e.Labels = map[string]string{}
		for k, v := range labels {
			e.Labels[k] = text(v)
		}
	}
	if o, ok := take(special + "operation").(map[string]any); ok {
		e.Operation = &loggingpb.LogEntryOperation{Id: text(o["id"]), Producer: text(o["producer"])}
	}
	if o, ok := take(special + "sourceLocation").(map[string]any); ok {
		e.SourceLocation = &loggingpb.LogEntrySourceLocation{File: text(o["file"]), Function: text(o["function"]), Line: number(o["line"])}
	}
	if h, ok := take("httpRequest").(map[string]any); ok {
		e.HttpRequest = &ltype.HttpRequest{
			RequestMethod: text(h["requestMethod"]), RequestUrl: text(h["requestUrl"]), UserAgent: text(h["userAgent"]), RemoteIp: text(h["remoteIp"]),
			Referer: text(h["referer"]), Protocol: text(h["protocol"]), Status: int32(number(h["status"])),
			RequestSize: number(h["requestSize"]), ResponseSize: number(h["responseSize"]), CacheHit: h["cacheHit"] == true,
		}
		if d, err := time.ParseDuration(text(h["latency"])); err == nil {
			e.HttpRequest.Latency = durationpb.New(d)
		}
	}
	p, err := structpb.NewStruct(m)
	if err != nil {
		return nil, fmt.Errorf("gcltest: %w", err)
	}
	e.Payload = &loggingpb.LogEntry_JsonPayload{JsonPayload: p}
	return e, nil
}

// number reads an int64 as protobuf's JSON has it.
func number(v any) int64 {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case string:
		n, _ := strconv.ParseInt(v, 10, 64) // what is none is 0
		return n
	}
	return 0
}
