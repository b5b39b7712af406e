package outbound

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// record is an entry with room for its flags.
type record struct {
	entry.Entry
	flags [4]string
}

// entry makes the call's entry. It is called once, when done has been set.
func (c *call) entry(o outcome, now time.Duration) *entry.Entry {
	r := &record{}
	e := &r.Entry
	// Field by field: a literal would be built and copied, 1 KB of it.
	e.Time, e.TxID, e.Kind, e.Span, e.Parent = c.start.UTC(), c.scope.ID, entry.KindClient, c.span, c.parent
	e.Origin, e.Trace, e.HTTP = c.scope.Origin, c.scope.Trace, c.http
	e.Facts = entry.FactsOf(c.scope)
	e.HTTP.Status, e.HTTP.Protocol, e.HTTP.CacheHit = c.status, c.proto, c.cacheHit
	if c.m.peer.IsValid() {
		e.HTTP.RemoteIP = c.m.peer.String()
	}
	e.Request.Headers, e.Request.Trailers = c.reqHeaders, c.reqTrailers
	e.Response.Headers, e.Response.Trailers = c.respHeaders, c.respTrailers

	f := c.classify(o)
	complete := c.bodyless || c.resp.eof || c.respLength >= 0 && c.resp.size >= c.respLength
	e.Latency = now
	if c.m.response != 0 && f.kind == "" {
		e.Latency = c.m.last // the caller may have kept the body open while it worked
	}
	e.Timings = c.m.timings(e.Latency)
	c.requestBody(&e.Request.Body)
	if c.status != 0 {
		c.responseBody(&e.Response.Body, complete)
	}

	e.Flags = c.flags(r.flags[:0], o, complete)
	e.Labels = c.labels()
	if f.kind != "" {
		e.Error.Type = f.kind
		e.Error.Message = f.message(o.err)
	}
	e.Severity = entry.SeverityOf(c.status, f.kind, o.panicked)
	e.Message = c.line(f, e.Latency)
	return e
}

func (c *call) requestBody(b *entry.Body) {
	b.Type, b.ContentEncoding, b.Reason = c.reqType, c.reqEncoding, c.reqReason
	b.Size = c.req.size
	b.Raw = c.req.take()
	if !c.reqPeeked && c.reqLength == 0 {
		return // no body
	}
	whole := c.req.eof || c.reqLength > 0 && c.req.size >= c.reqLength
	b.Truncated = int64(len(b.Raw)) < b.Size || !whole
	switch {
	case c.reqPeeked && c.m.traced && c.m.conns == 0:
		b.Size = 0 // shown, though no connection was there to send it on
		b.Reason = reasonNotSent
	case b.Reason != "":
	case !whole && c.req.size == 0:
		b.Reason = reasonNotSent
	case !whole:
		b.Reason = reasonSending
	case b.Truncated && c.req.max == 0:
		b.Reason = reasonOff
	case b.Truncated:
		b.Reason = reasonLimit
	}
}

func (c *call) responseBody(b *entry.Body, complete bool) {
	b.Type, b.ContentEncoding, b.Reason = c.respType, c.respEncoding, c.respReason
	// Where net/http itself undid a gzip it had asked for, this is the size after.
	b.Size = c.resp.size
	b.Raw = c.resp.take()
	if c.bodyless {
		b.Reason = ""
		return
	}
	b.Truncated = int64(len(b.Raw)) < b.Size || !complete
	switch {
	case b.Reason != "":
	case !complete:
		b.Reason = reasonUnread
	case b.Truncated && c.resp.max == 0:
		b.Reason = reasonOff
	case b.Truncated:
		b.Reason = reasonLimit
	}
}

func (c *call) flags(fs []string, o outcome, complete bool) []string {
	if c.deadline == 0 {
		fs = append(fs, entry.FlagNoDeadline)
	}
	if c.m.reused {
		fs = append(fs, entry.FlagReused)
	}
	if c.notSent {
		fs = append(fs, entry.FlagNotSent)
	}
	if (o.closed || o.abandoned) && !complete {
		fs = append(fs, entry.FlagNotClosed)
	}
	return fs
}

func (c *call) labels() (ls []entry.Label) {
	if c.resent > 0 {
		ls = append(ls, entry.Label{Name: entry.LabelAttemptOf, Value: c.attemptOf.String()})
	}
	if c.hop > 0 {
		ls = append(ls, entry.Label{Name: entry.LabelRedirectOf, Value: c.hopOf.String()}, entry.Label{Name: entry.LabelRedirectHop, Value: strconv.Itoa(c.hop)})
	}
	if c.m.conns > 1 {
		ls = append(ls, entry.Label{Name: entry.LabelResent, Value: strconv.Itoa(c.m.conns - 1)})
	}
	return ls
}

// timings turns moments into phases. Those of a connection that was there already
// stay zero, also when a dial was begun for this call and its result not needed.
func (m *marks) timings(total time.Duration) (t entry.Timings) {
	if !m.reused && m.conns > 0 {
		t.DNS = between(m.dnsStart, m.dnsDone)
		t.Connect = between(m.connectStart, m.connectDone)
		t.TLS = between(m.tlsStart, m.tlsDone)
	}
	wrote := m.wrote
	if wrote == 0 && m.response != 0 {
		wrote = m.wroteHeaders
	}
	t.Send = between(m.gotConn, wrote)
	t.Wait = between(wrote, m.firstByte)
	t.FirstByte = m.firstByte
	if t.FirstByte == 0 {
		t.FirstByte = m.response // a base without hooks
	}
	if m.response != 0 {
		t.Receive = between(t.FirstByte, total)
	}
	return t
}

// between is zero where a moment was not reached, or both came in another order,
// as when an answer comes before the request was written.
func between(from, to time.Duration) time.Duration {
	if from == 0 || to == 0 {
		return 0
	}
	return max(to-from, 0)
}

// headers copies h. What exceeds the entry's bounds is left out here already; the
// queue's worker puts the fields in order.
func headers(h http.Header) []entry.Header {
	n := 0
	for _, vs := range h {
		n += len(vs)
	}
	if n == 0 {
		return nil
	}
	hs := make([]entry.Header, 0, min(n, entry.MaxHeaders+1))
	bytes := 0
	for name, vs := range h {
		for _, v := range vs {
			if bytes += len(name) + len(v); len(hs) > entry.MaxHeaders || bytes > 2*entry.MaxHeaderBytes {
				return hs
			}
			hs = append(hs, entry.Header{Name: name, Value: v})
		}
	}
	return hs
}

// server splits a URL's host; the port is the scheme's where none is named.
func server(u *url.URL) (host string, port int) {
	host = u.Hostname()
	if p := u.Port(); p != "" {
		port, _ = strconv.Atoi(p)
		return host, port
	}
	switch {
	case strings.EqualFold(u.Scheme, "https"):
		return host, 443
	case strings.EqualFold(u.Scheme, "http"):
		return host, 80
	}
	return host, 0
}
