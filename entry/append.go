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
// Whatever the entry holds, [Parse] reads the line back: see [Entry.Clip].
func (e *Entry) Seal(buf []byte) error {
	if e.line != nil {
		return ErrSealed
	}
	if e.Request.Body.Raw != nil || e.Response.Body.Raw != nil {
		return fmt.Errorf("entry: raw body not sanitized (insertId %s)", e.InsertID)
	}
	e.Clip()
	n := len(buf)
	b := e.AppendJSON(buf)
	e.line = b[n:len(b):len(b)]
	e.own = true
	return nil
}

// AppendJSON appends the canonical line, without a newline, to dst. It encodes
// Content, never Raw, and allocates nothing where dst has room for the line and for
// an eighth more. It bounds nothing: that is [Entry.Clip]'s part of [Entry.Seal].
func (e *Entry) AppendJSON(dst []byte) []byte {
	w := encoder{b: append(dst, '{')}
	w.time(`,"time":`, e.Time)
	w.str(`,"txid":`, string(e.TxID))
	w.str(`,"`+keyInsertID+`":`, e.InsertID)
	if e.Severity >= SeverityDebug { // below, it is called default, as where there is none
		w.str(`,"severity":`, e.Severity.String())
	}
	w.str(`,"kind":`, string(e.Kind))
	w.str(`,"message":`, e.Message)
	w.span(`,"span":`, e.Span)
	w.span(`,"parent":`, e.Parent)
	w.str(`,"origin":`, string(e.Origin))
	w.str(`,"refused":`, e.Refused)

	e.appendHTTPRequest(&w)
	e.appendHTTP(&w)
	e.appendTimings(&w)

	at := w.open(`,"error":`, '{')
	w.str(`,"type":`, e.Error.Type)
	w.str(`,"message":`, e.Error.Message)
	w.str(`,"stack":`, e.Error.Stack)
	w.close(at, '}')

	if len(e.Flags) > 0 {
		at = w.open(`,"flags":`, '[')
		for _, f := range e.Flags {
			w.comma()
			w.b = appendString(w.b, f)
		}
		w.close(at, ']')
	}

	e.appendFacts(&w)
	e.appendLog(&w)
	e.appendGap(&w)
	e.appendResource(&w)

	if len(e.Redactions) > 0 {
		at = w.open(`,"redactions":`, '[')
		for i := range e.Redactions {
			w.comma()
			w.b = append(w.b, '{')
			w.str(`,"rule":`, e.Redactions[i].Rule)
			w.integer(`,"count":`, int64(e.Redactions[i].Count))
			w.b = append(w.b, '}')
		}
		w.close(at, ']')
	}
	e.appendAgentFields(&w)
	return append(w.b, '}')
}

func (e *Entry) appendHTTPRequest(w *encoder) {
	h := &e.HTTP
	at := w.open(`,"httpRequest":`, '{')
	w.str(`,"requestMethod":`, h.Method)
	w.str(`,"requestUrl":`, h.URL)
	w.int64String(`,"requestSize":`, max(e.Request.Body.Size, 0)) // -1, unknown, stands in the body alone
	w.integer(`,"status":`, int64(h.Status))
	w.int64String(`,"responseSize":`, max(e.Response.Body.Size, 0))
	w.str(`,"userAgent":`, h.UserAgent)
	w.str(`,"remoteIp":`, h.RemoteIP)
	w.str(`,"referer":`, h.Referer)
	w.seconds(`,"latency":`, e.Latency)
	w.boolean(`,"cacheHit":`, h.CacheHit)
	w.str(`,"protocol":`, h.Protocol)
	w.close(at, '}')
}

func (e *Entry) appendHTTP(w *encoder) {
	h := &e.HTTP
	at := w.open(`,"http":`, '{')
	w.str(`,"route":`, h.Route)
	req := w.open(`,"request":`, '{')
	w.integer(`,"resend_count":`, int64(h.ResendCount))
	if h.Deadline > 0 {
		w.millis(`,"deadline_ms":`, h.Deadline)
	}
	w.headers(`,"headers":`, e.Request.Headers)
	w.body(`,"body":`, &e.Request.Body)
	w.headers(`,"trailers":`, e.Request.Trailers)
	w.close(req, '}')
	res := w.open(`,"response":`, '{')
	w.headers(`,"headers":`, e.Response.Headers)
	w.body(`,"body":`, &e.Response.Body)
	w.headers(`,"trailers":`, e.Response.Trailers)
	w.close(res, '}')
	w.close(at, '}')

	at = w.open(`,"server":`, '{')
	w.str(`,"address":`, h.ServerAddress)
	w.integer(`,"port":`, int64(h.ServerPort))
	w.close(at, '}')
}

func (e *Entry) appendTimings(w *encoder) {
	t := &e.Timings
	at := w.open(`,"timings_ms":`, '{')
	w.millis(`,"dns":`, t.DNS)
	w.millis(`,"connect":`, t.Connect)
	w.millis(`,"tls":`, t.TLS)
	w.millis(`,"send":`, t.Send)
	w.millis(`,"wait":`, t.Wait)
	w.millis(`,"receive":`, t.Receive)
	w.millis(`,"first_byte":`, t.FirstByte)
	w.millis(`,"handler":`, t.Handler)
	w.close(at, '}')
}

func (e *Entry) appendFacts(w *encoder) {
	f := &e.Facts
	at := w.open(`,"user":`, '{')
	w.str(`,"id":`, f.UserID)
	w.close(at, '}')
	at = w.open(`,"device":`, '{')
	w.str(`,"model":`, f.Device)
	w.close(at, '}')
	at = w.open(`,"os":`, '{')
	w.str(`,"name":`, f.OS)
	w.close(at, '}')
	at = w.open(`,"app":`, '{')
	w.str(`,"version":`, f.AppVersion)
	w.close(at, '}')
	if f.Country != "" {
		w.key(`,"geo":`)
		w.b = append(w.b, `{"country":{"iso_code":`...)
		w.b = appendString(w.b, f.Country)
		w.b = append(w.b, '}', '}')
	}
	w.str(`,"entry_page":`, f.EntryPage)
	w.labels(`,"carried":`, f.Carried)
}

func (e *Entry) appendLog(w *encoder) {
	at := w.open(`,"log":`, '{')
	w.str(`,"logger":`, e.Logger)
	w.labels(`,"attributes":`, e.Attributes)
	w.close(at, '}')
}

func (e *Entry) appendGap(w *encoder) {
	if e.Gap == nil {
		return
	}
	at := w.open(`,"gap":`, '{')
	w.integer(`,"count":`, e.Gap.Count)
	w.integer(`,"bytes":`, e.Gap.Bytes)
	w.str(`,"reason":`, e.Gap.Reason)
	w.time(`,"from":`, e.Gap.From)
	w.time(`,"to":`, e.Gap.To)
	w.close(at, '}')
}

func (e *Entry) appendResource(w *encoder) {
	r := e.Resource
	at := w.open(`,"service":`, '{')
	if r != nil {
		w.str(`,"name":`, r.Service)
		w.str(`,"version":`, r.Version)
		if r.Instance != "" {
			w.key(`,"instance":`)
			w.b = append(w.b, `{"id":`...)
			w.b = appendString(w.b, r.Instance)
			w.b = append(w.b, '}')
		}
	}
	e.appendPeer(w)
	w.close(at, '}')
	if r == nil {
		return
	}
	if r.Environment != "" {
		w.key(`,"deployment":`)
		w.b = append(w.b, `{"environment":{"name":`...)
		w.b = appendString(w.b, r.Environment)
		w.b = append(w.b, '}', '}')
	}
	at = w.open(`,"host":`, '{')
	w.str(`,"name":`, r.Host)
	w.close(at, '}')
	at = w.open(`,"process":`, '{')
	w.integer(`,"pid":`, int64(r.PID))
	w.str(`,"owner":`, r.ServerUser)
	w.close(at, '}')
	w.labels(`,"resource":`, r.Attributes)
}

// appendPeer writes what is known of the service that was called, below the
// calling service, where OpenTelemetry's name for it stands.
func (e *Entry) appendPeer(w *encoder) {
	if e.Peer == (Peer{}) {
		return
	}
	at := w.open(`,"peer":`, '{')
	w.str(`,"name":`, e.Peer.Service)
	quota := w.open(`,"quota":`, '{')
	w.integer(`,"requests":`, int64(e.Peer.Requests))
	w.millis(`,"per_ms":`, e.Peer.Per)
	w.close(quota, '}')
	w.close(at, '}')
}

// appendAgentFields writes the special fields. The txid is the operation's id and
// a label as well: those two are indexed by Cloud Logging, the payload is not.
func (e *Entry) appendAgentFields(w *encoder) {
	if e.TxID != "" || len(e.Labels) > 0 {
		at := w.open(`,"`+keyLabels+`":`, '{')
		w.str(`,"txid":`, string(e.TxID))
		for i := range e.Labels {
			if !labelCounts(e.Labels, i) {
				continue
			}
			w.comma()
			w.b = appendString(w.b, e.Labels[i].Name)
			w.b = append(w.b, ':')
			w.b = appendString(w.b, e.Labels[i].Value)
		}
		w.close(at, '}')
	}
	if e.TxID != "" {
		w.key(`,"` + keyOperation + `":`)
		w.b = append(w.b, `{"id":`...)
		w.b = appendString(w.b, string(e.TxID))
		w.b = append(w.b, `,"producer":"`+Producer+`"}`...)
	}
	at := w.open(`,"`+keySource+`":`, '{')
	w.str(`,"file":`, e.Source.File)
	w.int64String(`,"line":`, int64(e.Source.Line))
	w.str(`,"function":`, e.Source.Function)
	w.close(at, '}')
	w.str(`,"`+keyTrace+`":`, e.Trace.ID)
	w.span(`,"`+keySpanID+`":`, e.Trace.Span)
	w.boolean(`,"`+keySampled+`":`, e.Trace.Sampled)
}
