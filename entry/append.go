package entry

import (
	"errors"
	"fmt"
)

// Keys that Google's logging agents take out of the payload
// (cloud.google.com/logging/docs/structured-logging).
const (
	keyInsertID  = "logging.googleapis.com/insertId"
	keyLabels    = "logging.googleapis.com/labels"
	keyOperation = "logging.googleapis.com/operation"
	keySource    = "logging.googleapis.com/sourceLocation"
	keySpanID    = "logging.googleapis.com/spanId"
	keyTrace     = "logging.googleapis.com/trace"
	keySampled   = "logging.googleapis.com/trace_sampled"
)

// Producer is the operation.producer of every entry.
const Producer = "github.com/txtrail/txtrail"

// ErrSealed is returned by [Entry.Seal] for an entry that is sealed already.
var ErrSealed = errors.New("entry: sealed already")

// Seal encodes the canonical line into buf's spare capacity and makes the entry
// immutable. It must be called once, by the queue's worker, after sanitizing: an
// entry with raw bytes in it is refused. The line keeps buf alive; where the spare
// capacity does not do, it lies in an allocation of its own.
//
// Whatever the entry holds, [Parse] reads the line back: see [Entry.Clip]. A [Sealer]
// does the same for many.
func (e *Entry) Seal(buf []byte) error { return e.seal(buf, nil) }

func (e *Entry) seal(buf []byte, s *Sealer) error {
	if e.line != nil {
		return ErrSealed
	}
	if e.Request.Body.Raw != nil || e.Response.Body.Raw != nil {
		return fmt.Errorf("entry: raw body not sanitized (insertId %s)", e.InsertID)
	}
	e.Clip()
	n := len(buf)
	b := e.append(buf, s)
	e.line = b[n:len(b):len(b)]
	e.own = true
	return nil
}

// AppendJSON appends the canonical line, without a newline, to dst. It encodes
// Content, never Raw, and allocates nothing where dst has room for the line, for
// an eighth more and for 128 bytes, and where no more labels, and no longer names of
// theirs, are there than Clip leaves. It bounds nothing: that is [Entry.Clip]'s part of
// [Entry.Seal]; but its time is in proportion to what the entry holds, whatever that is.
func (e *Entry) AppendJSON(dst []byte) []byte { return e.append(dst, nil) }

func (e *Entry) append(dst []byte, s *Sealer) []byte {
	if s == nil {
		s = &Sealer{}
	}
	n := len(dst)
	out := dst[:cap(dst)]
	for more := e.likely(); ; more *= 2 {
		if end := e.encode(out, n, s); end <= len(out) {
			return out[:end]
		}
		out = append(make([]byte, 0, n+more), dst...)
		out = out[:cap(out)]
	}
}

// likely is how long a line may become, as long as what it holds is not mostly escapes.
func (e *Entry) likely() int {
	return 4<<10 + (len(e.Request.Body.Content)+len(e.Response.Body.Content))/4*5 + len(e.Message) + len(e.Error.Stack)
}

// encode writes the line to out[n:].
func (e *Entry) encode(out []byte, n int, s *Sealer) int {
	if n >= len(out) {
		return full(out)
	}
	begun := n
	out[n] = '{'
	n++
	at := n
	n = s.minute.instant(out, n, &keyTime, e.Time)
	n = str(out, n, &keyTxID, string(e.TxID))
	n = str(out, n, &keyInsert, e.InsertID)
	if e.Severity >= SeverityDebug { // below, it is called default, as where there is none
		n = str(out, n, &keySeverity, e.Severity.String())
	}
	n = str(out, n, &keyKind, string(e.Kind))
	n = str(out, n, &keyMessage, e.Message)
	n = span(out, n, &keySpan, e.Span)
	n = span(out, n, &keyParent, e.Parent)
	n = str(out, n, &keyOrigin, string(e.Origin))
	n = str(out, n, &keyRefused, e.Refused)

	n = e.encodeHTTPRequest(out, n)
	n = e.encodeHTTP(out, n, s.valid)
	n = e.Timings.encode(out, n)
	n = e.Error.encode(out, n)
	if len(e.Flags) > 0 {
		n = literal(out, n, &keyFlags)
		for _, f := range e.Flags {
			n = quoted(out, n, &keyNone, f)
		}
		n = shut(out, n, ']')
	}
	n = e.Facts.encode(out, n)
	n = e.encodeLog(out, n)
	n = e.Gap.encode(out, n)
	n = s.encodeResource(out, n, e)
	if len(e.Redactions) > 0 {
		n = literal(out, n, &keyRedactions)
		for i := range e.Redactions {
			n = e.Redactions[i].encode(out, n)
		}
		n = shut(out, n, ']')
	}
	n = e.encodeAgentFields(out, n)
	if n = closed(out, begun, at, n, '}'); n == begun {
		n = nothing(out, n)
	}
	if n > len(out) {
		return n
	}
	return n - 1 // without a comma
}

func (e *Entry) encodeHTTPRequest(out []byte, n int) int {
	h := &e.HTTP
	begun := n
	n = literal(out, n, &keyHTTPRequest)
	at := n
	n = str(out, n, &keyRequestMethod, h.Method)
	n = str(out, n, &keyRequestURL, h.URL)
	n = int64String(out, n, &keyRequestSize, max(e.Request.Body.Size, 0)) // -1, unknown, stands in the body alone
	n = integer(out, n, &keyStatus, int64(h.Status))
	n = int64String(out, n, &keyResponseSize, max(e.Response.Body.Size, 0))
	n = str(out, n, &keyUserAgent, h.UserAgent)
	n = str(out, n, &keyRemoteIP, h.RemoteIP)
	n = str(out, n, &keyReferer, h.Referer)
	n = seconds(out, n, &keyLatency, e.Latency)
	n = boolean(out, n, &keyCacheHit, h.CacheHit)
	n = str(out, n, &keyProtocol, h.Protocol)
	return closed(out, begun, at, n, '}')
}

func (e *Entry) encodeHTTP(out []byte, n int, valid bool) int {
	h := &e.HTTP
	begun := n
	n = literal(out, n, &keyHTTP)
	at := n
	n = str(out, n, &keyRoute, h.Route)

	inner := n
	n = literal(out, n, &keyRequest)
	first := n
	n = integer(out, n, &keyResendCount, int64(h.ResendCount))
	n = millis(out, n, &keyDeadline, h.Deadline)
	n = e.Request.encode(out, n, valid)
	n = closed(out, inner, first, n, '}')

	inner = n
	n = literal(out, n, &keyResponse)
	first = n
	n = e.Response.encode(out, n, valid)
	n = closed(out, inner, first, n, '}')
	n = closed(out, begun, at, n, '}')

	if h.ServerAddress == "" && h.ServerPort == 0 {
		return n
	}
	n = literal(out, n, &keyServer)
	n = str(out, n, &keyAddress, h.ServerAddress)
	n = integer(out, n, &keyPort, int64(h.ServerPort))
	return shut(out, n, '}')
}

func (m *Message) encode(out []byte, n int, valid bool) int {
	n = headers(out, n, &keyHeaders, m.Headers)
	n = m.Body.encode(out, n, valid)
	return headers(out, n, &keyTrailers, m.Trailers)
}

func (t *Timings) encode(out []byte, n int) int {
	begun := n
	n = literal(out, n, &keyTimings)
	at := n
	if t.DNS|t.Connect|t.TLS|t.Send|t.Wait|t.Receive != 0 { // a call's
		n = millis(out, n, &keyDNS, t.DNS)
		n = millis(out, n, &keyConnect, t.Connect)
		n = millis(out, n, &keyTLS, t.TLS)
		n = millis(out, n, &keySend, t.Send)
		n = millis(out, n, &keyWait, t.Wait)
		n = millis(out, n, &keyReceive, t.Receive)
	}
	n = millis(out, n, &keyFirstByte, t.FirstByte)
	n = millis(out, n, &keyHandler, t.Handler)
	return closed(out, begun, at, n, '}')
}

func (e *Error) encode(out []byte, n int) int {
	if len(e.Type)|len(e.Message)|len(e.Stack) == 0 {
		return n
	}
	n = literal(out, n, &keyError)
	n = str(out, n, &keyType, e.Type)
	n = str(out, n, &keyMessage, e.Message)
	n = str(out, n, &keyStack, e.Stack)
	return shut(out, n, '}')
}

func (f *Facts) encode(out []byte, n int) int {
	n = within(out, n, &keyUser, f.UserID, 1)
	n = within(out, n, &keyDevice, f.Device, 1)
	n = within(out, n, &keyOS, f.OS, 1)
	n = within(out, n, &keyApp, f.AppVersion, 1)
	n = within(out, n, &keyGeo, f.Country, 2)
	n = str(out, n, &keyEntryPage, f.EntryPage)
	return labels(out, n, &keyCarried, f.Carried)
}

func (e *Entry) encodeLog(out []byte, n int) int {
	if e.Logger == "" && len(e.Attributes) == 0 {
		return n
	}
	n = literal(out, n, &keyLog)
	n = str(out, n, &keyLogger, e.Logger)
	n = labels(out, n, &keyAttributes, e.Attributes)
	return shut(out, n, '}')
}

func (g *Gap) encode(out []byte, n int) int {
	if g == nil {
		return n
	}
	begun := n
	n = literal(out, n, &keyGap)
	at := n
	n = integer(out, n, &keyCount, g.Count)
	n = integer(out, n, &keyBytes, g.Bytes)
	n = str(out, n, &keyReason, g.Reason)
	var m minute
	n = m.instant(out, n, &keyFrom, g.From)
	n = m.instant(out, n, &keyTo, g.To)
	return closed(out, begun, at, n, '}')
}

func (r *Redaction) encode(out []byte, n int) int {
	if len(out)-n < 1 {
		return full(out)
	}
	out[n] = '{'
	begun := n
	n++
	at := n
	n = str(out, n, &keyRule, r.Rule)
	n = integer(out, n, &keyCount, int64(r.Count))
	if n = closed(out, begun, at, n, '}'); n == begun {
		return nothing(out, n)
	}
	return n
}

// encodeAgentFields writes the special fields. The txid is the operation's id and
// a label as well: those two are indexed by Cloud Logging, the payload is not.
func (e *Entry) encodeAgentFields(out []byte, n int) int {
	begun := n
	n = literal(out, n, &keyLabelList)
	at := n
	n = str(out, n, &keyTxID, string(e.TxID))
	seen := namesOf(e.Labels)
	for i := range e.Labels {
		if seen.first(e.Labels, i) {
			n = quoted(out, n, &keyNone, e.Labels[i].Name)
			if n > len(out) {
				return n
			}
			out[n-1] = ':'
			n = quoted(out, n, &keyNone, e.Labels[i].Value)
		}
	}
	n = closed(out, begun, at, n, '}')
	if e.TxID != "" {
		n = quoted(out, n, &keyOperationID, string(e.TxID))
		n = literal(out, n, &keyProducer)
	}
	n = e.Source.encode(out, n)
	n = str(out, n, &keyTraceID, e.Trace.ID)
	n = span(out, n, &keyTraceSpan, e.Trace.Span)
	return boolean(out, n, &keyTraceSampled, e.Trace.Sampled)
}

func (s *Source) encode(out []byte, n int) int {
	if len(s.File)|len(s.Function)|s.Line == 0 {
		return n
	}
	n = literal(out, n, &keySourceLine)
	n = str(out, n, &keyFile, s.File)
	n = int64String(out, n, &keyLine, int64(s.Line))
	n = str(out, n, &keyFunction, s.Function)
	return shut(out, n, '}')
}
