package cloudloggingsink

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/split"
)

// ErrForeign is returned, wrapped, for a LogEntry that no sink of this module wrote.
var ErrForeign = errors.New("cloudloggingsink: not an entry of txtrail")

// PartMissing is the reason of a body that lacks a part in the middle or at its
// end; FlagPartMissing is the flag of an entry that lacks parts, of whatever it is.
const (
	PartMissing     = "part missing"
	FlagPartMissing = "part_missing"
)

// Part says which piece of an entry a LogEntry is.
type Part struct {
	UID          string // the same for all parts
	Index, Total int    // the first is 0
}

// maxParts is more than any entry takes: lines of standard output are the shortest.
const maxParts = 100_000

// PartOf reports whether a LogEntry is one part of a split entry, and which. Numbers
// that can not be are those of no part.
func PartOf(e *loggingpb.LogEntry) (Part, bool) {
	if s := e.GetSplit(); s != nil && s.Uid != "" {
		return Part{UID: s.Uid, Index: int(s.Index), Total: int(s.TotalSplits)}, 0 <= s.Index && s.Index < s.TotalSplits && s.TotalSplits <= maxParts
	}
	// Agents know no special field for it: a line that was split on standard output
	// has it in its payload.
	f := e.GetJsonPayload().GetFields()["split"].GetStructValue().GetFields()
	uid, index, total := f["uid"].GetStringValue(), f["index"].GetNumberValue(), f["total"].GetNumberValue()
	if uid == "" || !(0 <= index && index < total && total <= maxParts) { // the latter is not the same as its negation: NaN
		return Part{}, false
	}
	return Part{UID: uid, Index: int(index), Total: int(total)}, true
}

// Decode returns the entry that a LogEntry was made of, sealed, with the line that
// it had. It reads what this sink wrote, and what Google's agents made of a line of
// the stdout sink. One part of a split entry is an entry with a part of the content;
// [Join] puts them together.
//
// A number in the payload is a double: whole ones beyond 2^53 and durations of more
// than 15 digits come back rounded.
func Decode(e *loggingpb.LogEntry) (*entry.Entry, error) {
	read, err := decode(e)
	if err != nil {
		return nil, err
	}
	return reseal(read)
}

// reseal gives an entry the line that its fields have now.
func reseal(e *entry.Entry) (*entry.Entry, error) {
	sealed, err := entry.Parse(e.AppendJSON(nil))
	if err != nil {
		return nil, fmt.Errorf("cloudloggingsink: %w", err)
	}
	return sealed, nil
}

func decode(e *loggingpb.LogEntry) (*entry.Entry, error) {
	payload := e.GetJsonPayload().GetFields()
	if payload["kind"].GetStringValue() == "" {
		return nil, fmt.Errorf("%w: insertId %.80q of %.120q has no kind in its payload", ErrForeign, e.InsertId, e.LogName)
	}
	b := appendLine(nil, e, payload)
	read, err := entry.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("cloudloggingsink: insertId %.80q: %w", e.InsertId, err)
	}
	return read, nil
}

// Join returns the entry that parts were split from. They come in any order;
// repeated ones count once. Where one is missing the entry has what is there and
// FlagPartMissing, the body concerned says PartMissing, and missing tells how many. Of parts that were not
// split in the same way, by the sink and by an agent say, those are taken of which the
// fewest are missing.
func Join(parts []*loggingpb.LogEntry) (whole *entry.Entry, missing int, err error) {
	byIndex, total := fullest(parts)
	missing = total - len(byIndex)
	for _, i := range slices.Sorted(maps.Keys(byIndex)) {
		p, err := decode(byIndex[i])
		if err != nil {
			return nil, missing, err
		}
		if whole == nil {
			if at, ok := PartOf(byIndex[i]); ok {
				p.InsertID = at.UID // the first may be missing, and the others have their own
			}
			whole = p
			continue
		}
		joint := ""
		if byIndex[i-1] != nil {
			joint = byIndex[i].GetJsonPayload().GetFields()["split"].GetStructValue().GetFields()["joint"].GetStringValue()
		}
		split.Append(whole, p, joint)
	}
	if whole == nil {
		return nil, 0, errors.New("cloudloggingsink: no parts to join")
	}
	if missing > 0 {
		for _, b := range []*entry.Body{&whole.Request.Body, &whole.Response.Body} {
			if len(b.Content) > 0 || b.Size > 0 && b.Reason == "" {
				b.Truncated, b.Reason = true, PartMissing
			}
		}
		whole.Flags = append(whole.Flags, FlagPartMissing)
	}
	whole, err = reseal(whole)
	return whole, missing, err
}

// fullest returns the parts of one splitting by their numbers, and how many there
// should be.
func fullest(parts []*loggingpb.LogEntry) (best map[int]*loggingpb.LogEntry, total int) {
	type splitting struct {
		uid, log string
		total    int
	}
	ways := map[splitting]map[int]*loggingpb.LogEntry{}
	var order []splitting
	for _, p := range parts {
		at, ok := PartOf(p)
		if !ok {
			at = Part{Total: 1}
		}
		w := splitting{at.UID, p.GetLogName(), at.Total}
		if ways[w] == nil {
			ways[w], order = map[int]*loggingpb.LogEntry{}, append(order, w)
		}
		ways[w][at.Index] = p
	}
	for _, w := range order {
		if best == nil || w.total-len(ways[w]) < total-len(best) {
			best, total = ways[w], w.total
		}
	}
	return best, total
}

// appendLine writes a LogEntry as a line for entry.Parse. The order of members is
// none: Parse reads any, and the canonical line is encoded anew.
func appendLine(b []byte, e *loggingpb.LogEntry, payload map[string]*structpb.Value) []byte {
	b = append(b, `{"time":`...)
	if own := payload["time"].GetStringValue(); own != "" { // the timestamp had to be another one
		b = appendQuoted(b, own)
	} else {
		b = append(b, '"')
		at := time.Time{}
		if e.Timestamp != nil {
			at = e.Timestamp.AsTime()
		}
		b = append(entry.AppendTime(b, at), '"')
	}
	b = append(b, ',', '"')
	b = append(b, keyInsertID...)
	b = appendQuoted(append(b, '"', ':'), e.InsertId)
	if e.Severity != 0 {
		b = appendQuoted(append(b, `,"severity":`...), entry.Severity(e.Severity).String())
	}
	for _, k := range slices.Sorted(maps.Keys(payload)) {
		switch k {
		case "time", "severity", "httpRequest", "labels", "split", keyInsertID, keyLabels, keyOperation, keySource, keySpanID, keyTrace, keySampled:
			continue
		}
		b = append(appendQuoted(append(b, ','), k), ':')
		b = appendValue(b, payload[k])
	}
	if payload["txid"] == nil && e.GetOperation().GetId() != "" {
		b = appendQuoted(append(b, `,"txid":`...), e.GetOperation().GetId())
	}
	b = appendHTTP(b, e)
	b = appendLabels(b, e, payload)
	if s := e.SourceLocation; s != nil {
		b = append(append(append(b, `,"`...), keySource...), `":{"file":`...)
		b = appendQuoted(b, s.File)
		b = strconv.AppendInt(append(b, `,"line":"`...), s.Line, 10)
		b = appendQuoted(append(b, `","function":`...), s.Function)
		b = append(b, '}')
	}
	if e.Trace != "" {
		id := e.Trace
		if _, after, ok := strings.Cut(id, "/traces/"); ok {
			id = after
		}
		b = append(append(append(b, `,"`...), keyTrace...), `":`...)
		b = appendQuoted(b, id)
	}
	if e.SpanId != "" {
		b = append(append(append(b, `,"`...), keySpanID...), `":`...)
		b = appendQuoted(b, e.SpanId)
	}
	if e.TraceSampled {
		b = append(append(append(b, `,"`...), keySampled...), `":true`...)
	}
	return append(b, '}')
}

func appendHTTP(b []byte, e *loggingpb.LogEntry) []byte {
	h := e.HttpRequest
	if h == nil {
		return b
	}
	b = append(b, `,"httpRequest":{"cacheHit":`...)
	b = strconv.AppendBool(b, h.CacheHit)
	for _, f := range [...]struct{ name, v string }{
		{"requestMethod", h.RequestMethod},
		{"requestUrl", h.RequestUrl},
		{"userAgent", h.UserAgent},
		{"remoteIp", h.RemoteIp},
		{"referer", h.Referer},
		{"protocol", h.Protocol},
	} {
		if f.v != "" {
			b = append(appendQuoted(append(b, ','), f.name), ':')
			b = appendQuoted(b, f.v)
		}
	}
	b = strconv.AppendInt(append(b, `,"requestSize":"`...), h.RequestSize, 10)
	b = strconv.AppendInt(append(b, `","responseSize":"`...), h.ResponseSize, 10)
	b = strconv.AppendInt(append(b, `","status":`...), int64(h.Status), 10)
	if l := h.Latency; l != nil && l.Seconds >= 0 && l.Nanos >= 0 {
		b = strconv.AppendInt(append(b, `,"latency":"`...), l.Seconds, 10)
		nanos := strconv.FormatInt(int64(l.Nanos)+1e9, 10)
		b = append(append(append(b, '.'), nanos[1:]...), `s"`...)
	}
	return append(b, '}')
}

// appendLabels writes the user's labels. The payload's list has them all, in order;
// behind an agent there is none, and those that are neither the sink's nor a
// system's are the user's.
func appendLabels(b []byte, e *loggingpb.LogEntry, payload map[string]*structpb.Value) []byte {
	b = append(append(append(b, `,"`...), keyLabels...), `":{`...)
	comma := func() {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
	}
	if list := payload["labels"].GetListValue(); list != nil {
		for _, v := range list.GetValues() {
			f := v.GetStructValue().GetFields()
			comma()
			b = append(appendQuoted(b, f["name"].GetStringValue()), ':')
			b = appendQuoted(b, f["value"].GetStringValue())
		}
		return append(b, '}')
	}
	for _, k := range slices.Sorted(maps.Keys(e.Labels)) {
		v := e.Labels[k]
		if systemLabel(k) || v == ownValue(k, payload) {
			continue
		}
		comma()
		b = append(appendQuoted(b, k), ':')
		b = appendQuoted(b, v)
	}
	return append(b, '}')
}

// systemLabel reports whether a label is set by Google's agents and platforms.
func systemLabel(k string) bool {
	domain, _, ok := strings.Cut(k, "/")
	return k == labelTxID || k == "instanceId" || ok && (strings.HasSuffix(domain, ".googleapis.com") || domain == "k8s-pod")
}

// ownValue returns what the sink's own label k has for this payload.
func ownValue(k string, payload map[string]*structpb.Value) string {
	in := func(path ...string) string {
		v := payload[path[0]]
		for _, p := range path[1:] {
			v = v.GetStructValue().GetFields()[p]
		}
		return v.GetStringValue()
	}
	switch k {
	case labelService:
		return in("service", "name")
	case labelVersion:
		return in("service", "version")
	case labelEnvironment:
		return in("deployment", "environment", "name")
	case labelUser:
		return in("user", "id")
	}
	return ""
}

// appendValue writes a payload's value as JSON.
func appendValue(b []byte, v *structpb.Value) []byte {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return appendQuoted(b, k.StringValue)
	case *structpb.Value_NumberValue:
		return appendNumber(b, k.NumberValue)
	case *structpb.Value_BoolValue:
		return strconv.AppendBool(b, k.BoolValue)
	case *structpb.Value_StructValue:
		b = append(b, '{')
		first := true
		for _, name := range slices.Sorted(maps.Keys(k.StructValue.GetFields())) {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(appendQuoted(b, name), ':')
			b = appendValue(b, k.StructValue.GetFields()[name])
		}
		return append(b, '}')
	case *structpb.Value_ListValue:
		b = append(b, '[')
		for i, item := range k.ListValue.GetValues() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, item)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}

// appendNumber writes a number so that what it was made of is read back: no
// exponent, and no more than an int64 holds as a whole number or in nanoseconds as
// one of milliseconds.
func appendNumber(b []byte, v float64) []byte {
	const longest = math.MaxInt64 / 1e6 // ms
	switch {
	case v != v || math.IsInf(v, 0):
		return append(b, '0')
	case v == math.Trunc(v):
		if v >= math.MaxInt64 {
			return strconv.AppendInt(b, math.MaxInt64, 10)
		}
		return strconv.AppendInt(b, int64(max(v, math.MinInt64)), 10)
	case v >= math.Trunc(longest):
		return append(b, "9223372036854.775807"...)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// appendQuoted writes a JSON string.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		const hex = "0123456789abcdef"
		if c < 0x20 {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
	}
	return append(append(b, s[start:]...), '"')
}
