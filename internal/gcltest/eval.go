package gcltest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	ltype "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/protobuf/types/known/structpb"
)

// fields are the fields that a path may begin with, and whether more follows.
var fields = map[string]bool{
	"logName": false, "insertId": false, "timestamp": false, "receiveTimestamp": false, "severity": false,
	"trace": false, "spanId": false, "labels": true, "operation": true, "httpRequest": true, "jsonPayload": true,
	"split": true, "resource": true, "sourceLocation": true,
}

func known(path []string) bool {
	more, ok := fields[path[0]]
	return ok && more == (len(path) > 1)
}

// check refuses values that the field's type does not have.
func (c *compare) check() error {
	field := strings.Join(c.path, ".")
	ordered := strings.ContainsAny(c.op, "<>")
	var err error
	switch field {
	case "timestamp", "receiveTimestamp":
		if _, err = time.Parse(time.RFC3339Nano, c.value); c.op == ":" || c.op == "=~" || c.op == "!~" {
			err = fmt.Errorf("operator %s does not fit", c.op)
		}
	case "severity":
		if _, ok := ltype.LogSeverity_value[strings.ToUpper(c.value)]; !ok {
			err = fmt.Errorf("no such severity")
		}
	case "httpRequest.status", "httpRequest.requestSize", "httpRequest.responseSize", "split.index":
		if c.value != "*" {
			_, err = strconv.ParseFloat(c.value, 64)
		}
	case "httpRequest.latency":
		if c.value != "*" {
			_, err = time.ParseDuration(c.value)
		}
	default:
		if ordered && c.path[0] != "jsonPayload" {
			err = fmt.Errorf("operator %s does not fit a text", c.op)
		}
	}
	if err != nil {
		return fmt.Errorf("field %s, value %q: %w", field, c.value, err)
	}
	return nil
}

func (c compare) match(e *loggingpb.LogEntry) bool {
	values := lookup(e, c.path)
	if c.op == ":" && c.value == "*" && !c.quote {
		return len(values) > 0
	}
	negated := c.op == "!=" || c.op == "!~"
	for _, v := range values {
		if c.holds(v) {
			return !negated
		}
	}
	return negated
}

// holds compares without the negation of != and !~.
func (c *compare) holds(v any) bool {
	switch v := v.(type) {
	case time.Time:
		at, err := time.Parse(time.RFC3339Nano, c.value)
		return err == nil && ordered(c.op, v.Compare(at))
	case time.Duration:
		d, err := time.ParseDuration(c.value)
		return err == nil && ordered(c.op, cmp.Compare(v, d))
	case ltype.LogSeverity:
		return ordered(c.op, cmp.Compare(int32(v), ltype.LogSeverity_value[strings.ToUpper(c.value)]))
	case float64:
		n, err := strconv.ParseFloat(c.value, 64)
		if c.op == ":" {
			return err == nil && n == v
		}
		return err == nil && ordered(c.op, cmp.Compare(v, n))
	case string:
		switch c.op {
		case ":":
			return strings.Contains(strings.ToLower(v), strings.ToLower(c.value))
		case "=~", "!~":
			return c.re.MatchString(v)
		case "=", "!=":
			return strings.EqualFold(v, c.value)
		}
		return ordered(c.op, strings.Compare(strings.ToLower(v), strings.ToLower(c.value)))
	case bool:
		return strings.EqualFold(c.value, strconv.FormatBool(v))
	}
	return false
}

func ordered(op string, c int) bool {
	switch op {
	case "=", "!=":
		return c == 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0 // ">="
}

// lookup returns what stands at a path: nothing, or one value, or those of a list.
func lookup(e *loggingpb.LogEntry, path []string) []any {
	text := func(s string) []any {
		if s == "" {
			return nil
		}
		return []any{s}
	}
	number := func(n float64) []any {
		if n == 0 {
			return nil
		}
		return []any{n}
	}
	rest := ""
	if len(path) > 1 {
		rest = path[1]
	}
	switch path[0] {
	case "logName":
		return text(e.LogName)
	case "insertId":
		return text(e.InsertId)
	case "timestamp":
		return []any{e.Timestamp.AsTime()}
	case "receiveTimestamp":
		return []any{e.ReceiveTimestamp.AsTime()}
	case "severity":
		return []any{e.Severity}
	case "trace":
		return text(e.Trace)
	case "spanId":
		return text(e.SpanId)
	case "labels":
		if v, ok := e.Labels[rest]; ok && len(path) == 2 {
			return []any{v}
		}
	case "operation":
		switch rest {
		case "id":
			return text(e.GetOperation().GetId())
		case "producer":
			return text(e.GetOperation().GetProducer())
		case "first":
			return []any{e.GetOperation().GetFirst()}
		}
	case "split":
		switch rest {
		case "uid":
			return text(e.GetSplit().GetUid())
		case "index":
			return []any{float64(e.GetSplit().GetIndex())}
		}
	case "resource":
		switch {
		case rest == "type":
			return text(e.GetResource().GetType())
		case rest == "labels" && len(path) == 3:
			return text(e.GetResource().GetLabels()[path[2]])
		}
	case "sourceLocation":
		switch rest {
		case "file":
			return text(e.GetSourceLocation().GetFile())
		case "function":
			return text(e.GetSourceLocation().GetFunction())
		}
	case "httpRequest":
		h := e.GetHttpRequest()
		switch rest {
		case "requestMethod":
			return text(h.GetRequestMethod())
		case "requestUrl":
			return text(h.GetRequestUrl())
		case "status":
			return number(float64(h.GetStatus()))
		case "requestSize":
			return number(float64(h.GetRequestSize()))
		case "responseSize":
			return number(float64(h.GetResponseSize()))
		case "userAgent":
			return text(h.GetUserAgent())
		case "remoteIp":
			return text(h.GetRemoteIp())
		case "referer":
			return text(h.GetReferer())
		case "latency":
			if h.GetLatency() != nil {
				return []any{h.GetLatency().AsDuration()}
			}
		}
	case "jsonPayload":
		return inside(structpb.NewStructValue(e.GetJsonPayload()), path[1:])
	}
	return nil
}

// inside goes down a payload; a list stands for each of its values.
func inside(v *structpb.Value, path []string) (found []any) {
	if l, ok := v.GetKind().(*structpb.Value_ListValue); ok {
		for _, item := range l.ListValue.GetValues() {
			found = append(found, inside(item, path)...)
		}
		return found
	}
	if len(path) > 0 {
		child, ok := v.GetStructValue().GetFields()[path[0]]
		if !ok {
			return nil
		}
		return inside(child, path[1:])
	}
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return []any{k.StringValue}
	case *structpb.Value_NumberValue:
		return []any{k.NumberValue}
	case *structpb.Value_BoolValue:
		return []any{k.BoolValue}
	case *structpb.Value_StructValue:
		return []any{nil} // present
	}
	return nil
}

func (text anywhere) match(e *loggingpb.LogEntry) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), string(text)) }
	h := e.GetHttpRequest()
	for _, s := range [...]string{
		e.InsertId, e.LogName, e.Trace, e.GetTextPayload(), h.GetRequestUrl(), h.GetRequestMethod(), h.GetUserAgent(), h.GetReferer(), h.GetRemoteIp(), h.GetProtocol(),
		e.GetOperation().GetId(), e.GetSourceLocation().GetFile(), e.GetSourceLocation().GetFunction(),
	} {
		if has(s) {
			return true
		}
	}
	for _, v := range e.Labels {
		if has(v) {
			return true
		}
	}
	return mentions(structpb.NewStructValue(e.GetJsonPayload()), has)
}

func mentions(v *structpb.Value, has func(string) bool) bool {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return has(k.StringValue)
	case *structpb.Value_ListValue:
		for _, item := range k.ListValue.GetValues() {
			if mentions(item, has) {
				return true
			}
		}
	case *structpb.Value_StructValue:
		for _, item := range k.StructValue.GetFields() {
			if mentions(item, has) {
				return true
			}
		}
	}
	return false
}
