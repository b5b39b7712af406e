package outbound

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// record is the entry in the making, with room for what an ordinary one holds. The
// queue owns it in the end.
type record struct {
	entry.Entry
	fields  [12]entry.Header // the request's, then the response's
	flags   [4]string
	labels  [2]entry.Label
	carried [2]entry.Label
	// location is why the client can not follow the redirect, nil if it can.
	location error
	home     *records // which it goes back to; nil: it is made for one call
}

// requestRoom returns room for about n fields of the request.
func (r *record) requestRoom(n int) []entry.Header {
	if n > len(r.fields) {
		return make([]entry.Header, 0, min(n, entry.MaxHeaders+1))
	}
	return r.fields[:0]
}

// responseRoom returns room for about n fields of the response: where the request's
// are not, if that is enough.
func (r *record) responseRoom(n int) []entry.Header {
	free := r.fields[:0]
	if cap(r.Request.Headers) <= len(r.fields) { // they lie there
		used := len(r.Request.Headers)
		r.Request.Headers = r.Request.Headers[:used:used]
		free = r.fields[used:used]
	}
	if n > cap(free) {
		return make([]entry.Header, 0, min(n, entry.MaxHeaders+1))
	}
	return free
}

// conclude fills in what is known at the end. It is called once, when done has
// been set.
func (c *call) conclude(r *record, o outcome, now time.Duration) {
	e := &r.Entry
	e.Time, e.TxID, e.Kind, e.Span, e.Parent = c.start.UTC(), c.scope.ID, entry.KindClient, c.span, c.parent
	e.Origin, e.Trace = c.scope.Origin, c.scope.Trace
	c.facts(r)
	if c.m.peer.IsValid() {
		e.HTTP.RemoteIP = c.t.peers.name(c.m.peer)
	}
	f := c.classify(o)
	if f.kind == "" && r.location != nil {
		f.kind, o.err = entry.ErrorRedirect, r.location
	}
	complete := c.bodyless || c.respEOF || c.respLength >= 0 && c.resp.Size >= c.respLength
	e.Latency = now
	if c.m.response != 0 && f.kind == "" {
		e.Latency = c.m.last // the caller may have kept the body open while it worked
	}
	c.m.timings(&e.Timings, e.Latency)
	c.requestBody(&e.Request.Body)
	if e.HTTP.Status != 0 {
		c.responseBody(&e.Response.Body, o, &f, complete)
	}

	e.Flags = c.flags(r.flags[:0], o, complete)
	e.Labels = c.labels(r.Labels)
	if f.kind != "" {
		e.Error.Type = f.kind
		e.Error.Message = f.message(o.err)
	}
	e.Severity = entry.SeverityOf(e.HTTP.Status, f.kind, o.panicked)
	if f.kind == "" && r.home != nil {
		return // Finish says it
	}
	e.Message = line(&e.HTTP, f, e.Latency)
}

// facts are those that were sent, or would have been.
func (c *call) facts(r *record) {
	f := &r.Facts
	f.EntryPage = c.stamps.page
	if f.EntryPage == "" {
		f.EntryPage = c.scope.EntryPage
	}
	if f.EntryPage == "" && c.scope.Recorder != nil {
		f.EntryPage = c.scope.Recorder.EntryPage()
	}
	f.Carried = r.carried[:0]
	f.Carry(c.scope.Carried)
}

func (c *call) requestBody(b *entry.Body) {
	c.req.Detach(c.t.pool, b)
	if !c.reqPeeked && c.reqLength == 0 {
		return // no body
	}
	var reason string // "": all of it was sent
	if c.reqPeeked {
		// What is shown of it is what was to be sent.
		b.Size, reason = c.peekedSent(b.Size)
	} else {
		switch {
		case c.reqEOF || c.reqLength > 0 && b.Size >= c.reqLength:
		case b.Size == 0:
			reason = reasonNotSent
		default:
			reason = reasonSending
		}
	}
	b.Truncated = b.Truncated || reason != ""
	switch {
	case reason == reasonNotSent && c.reqPeeked:
		b.Reason = reason
	case b.Reason == capture.ReasonBinary, b.Reason == capture.ReasonPartial:
	case reason != "":
		b.Reason = reason
	case b.Truncated && b.Reason == "":
		b.Reason = reasonOff
	}
}

// peekedSent returns how much was sent of a body of the given size that was looked at,
// -1 if that is not known, and why it was not all.
func (c *call) peekedSent(size int64) (sent int64, reason string) {
	m := &c.m
	switch {
	case m.wrote != 0, !m.traced: // a base without hooks has to be believed
		return size, ""
	case m.conns == 0:
		return 0, reasonNotSent
	case m.writeFailed:
		return -1, reasonSending
	case m.response != 0 && c.reqBelieved:
		// Over HTTP/2 some answers in a hundred are here before the goroutine that wrote
		// the request is.
		return size, ""
	case m.response == 0 && c.reqPlain:
		// net/http was still at it. Over HTTP/2 the hook may be late, as above.
		return -1, reasonSending
	}
	// The end of a large body or of a file may have been answered before the goroutine
	// that wrote it could tell, or may never have been sent.
	return -1, reasonUnsure
}

// endUnseen reports whether the caller may well have read the whole body: it had
// read some of a body whose length was not announced, and closed it before the end
// showed, as one does with a JSON decoder, which stops behind the value.
func (c *call) endUnseen(o outcome, complete bool) bool {
	return o.closed && !complete && c.respLength < 0 && c.resp.Size > 0
}

func (c *call) responseBody(b *entry.Body, o outcome, f *failure, complete bool) {
	end := c.endUnseen(o, complete)
	// Where net/http itself undid a gzip it had asked for, this is the size after.
	c.resp.Detach(c.t.pool, b)
	if c.bodyless {
		return
	}
	// Also where it may be whole: the sanitizer must not take a secret's beginning
	// for all of it.
	b.Truncated = b.Truncated || !complete
	switch {
	case b.Reason == capture.ReasonBinary, b.Reason == capture.ReasonPartial:
	case end:
		b.Reason = reasonEnd
	case !complete && o.err != nil && !o.redirect && !f.timedOut && f.kind != entry.ErrorCanceled:
		b.Reason = reasonBroken // not by the caller, nor by a limit of its own
	case !complete:
		b.Reason = reasonUnread
	case b.Truncated && b.Reason == "":
		b.Reason = reasonOff
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
	switch {
	case c.endUnseen(o, complete):
		fs = append(fs, entry.FlagEndUnseen)
	case (o.closed || o.abandoned) && !complete:
		fs = append(fs, entry.FlagNotRead)
	}
	return fs
}

func (c *call) labels(ls []entry.Label) []entry.Label {
	if c.resent > 0 {
		ls = append(ls, entry.Label{Name: entry.LabelAttemptOf, Value: c.attemptOf.String()})
	}
	if c.hop > 0 {
		ls = append(ls, entry.Label{Name: entry.LabelRedirectOf, Value: c.hopOf.String()}, entry.Label{Name: entry.LabelRedirectHop, Value: strconv.Itoa(c.hop)})
	}
	if c.m.conns > 1 {
		ls = append(ls, entry.Label{Name: entry.LabelResent, Value: strconv.Itoa(int(c.m.conns) - 1)})
	}
	return ls
}

// timings turns moments into phases. Those of a connection that was there already
// stay zero, also when a dial was begun for this call and its result not needed.
func (m *marks) timings(t *entry.Timings, total time.Duration) {
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
		return
	}
	// The phase in which a call failed lasted until then: the one figure people look for.
	switch m.phase() {
	case phaseWait:
		t.Wait = between(m.wrote, total)
	case phaseSend:
		t.Send = between(m.gotConn, total)
	case phaseTLS:
		t.TLS = between(m.tlsStart, total)
	case phaseConnect:
		t.Connect = between(m.connectStart, total)
	case phaseDNS:
		t.DNS = between(m.dnsStart, total)
	}
}

// between is zero where a moment was not reached, or both came in another order,
// as when an answer comes before the request was written.
func between(from, to time.Duration) time.Duration {
	if from == 0 || to == 0 {
		return 0
	}
	return max(to-from, 0)
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
