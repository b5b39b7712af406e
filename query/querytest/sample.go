package querytest

import (
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// SampleID is the txid of [Sample].
const SampleID txid.ID = "0197a3c2-7f10-7b3e-9c41-5d0c2f6a8b11"

// sampleStart is when [Sample] begins.
var sampleStart = time.Date(2026, 11, 20, 10, 4, 11, 204e6, time.UTC)

// Sample returns the entries of one scenario, sealed, in the order in which three
// services might have written them: a page is rendered, a payment that the page
// asks for fails since core does not answer in 1.5 s, and the second attempt is
// refused. It is what examples and tests are shown on.
func Sample() []*entry.Entry {
	b := NewBuilder(SampleID, sampleStart)
	ssr, web, core := b.Service("ssr"), b.Service("web"), b.Service("core")
	user := entry.Facts{
		UserID: "8812", Country: "KR", Device: "iPhone15,2", OS: "iOS 26.3",
		AppVersion: "KakaoTalk 26.3.5", EntryPage: "GET /items",
	}
	const (
		ms      = time.Millisecond
		browser = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 26.3.5"
	)
	page := b.Server(ssr, 0, "GET", "/pay/{id}", "/pay/77", 200, 0, 52*ms)
	page.HTTP.UserAgent = browser
	cart := b.Client(ssr, page.Span, "GET", "http://web:8080/api/cart", 200, 12*ms, 35*ms)
	b.Server(web, cart.Span, "GET", "/api/cart", "/api/cart", 200, 13*ms, 33*ms)

	pay := b.Server(web, 0, "POST", "/api/pay", "/api/pay", 502, 60*ms, 1528*ms)
	pay.HTTP.UserAgent = browser
	JSON(&pay.Request, `{"item":77,"card":"[masked:card]","memo":"생일 선물"}`)
	JSON(&pay.Response, `{"error":"payment failed"}`)
	b.Log(web, pay.Span, entry.SeverityWarning, "core is slow, trying again", 1576*ms)
	charge := b.Client(web, pay.Span, "POST", "http://core:8080/v1/charge", 0, 71*ms, 1501*ms)
	charge.Error = entry.Error{Type: "header_timeout", Message: "net/http: timeout awaiting response headers"}
	charge.HTTP.Deadline = 1500 * ms
	charge.Timings = entry.Timings{DNS: ms, Connect: ms, Send: ms, Wait: 1498 * ms}
	charge.Request.Headers = []entry.Header{
		{Name: "Authorization", Value: "[masked:authorization]"},
		{Name: "Content-Type", Value: "application/json"},
		{Name: txid.Header, Value: string(SampleID)},
	}
	JSON(&charge.Request, `{"amount":12900,"card":"[masked:card]"}`)
	charge.Redactions = []entry.Redaction{{Rule: "authorization", Count: 1}, {Rule: "card", Count: 1}}
	slow := b.Server(core, charge.Span, "POST", "/v1/charge", "/v1/charge", 200, 73*ms, 3000*ms)
	JSON(&slow.Response, `{"charged":true}`)
	again := b.Client(web, pay.Span, "POST", "http://core:8080/v1/charge", 0, 1580*ms, 2*ms)
	again.Error = entry.Error{Type: "refused", Message: "dial tcp 10.0.0.7:8080: connect: connection refused"}
	again.HTTP.ResendCount = 1
	for _, e := range b.entries {
		e.Facts = user
	}
	return b.Entries()
}

// JSON sets a message's body.
func JSON(m *entry.Message, content string) {
	m.Body = entry.Body{
		Content: []byte(content), Encoding: "utf-8", Type: "application/json", Size: int64(len(content)),
	}
}

// Builder makes the entries of one scenario, with spans and insertIds that are the
// same on every run. Times are given from the scenario's start. The entries it
// returns may be changed until they are sealed.
type Builder struct {
	id      txid.ID
	start   time.Time
	span    txid.SpanID
	entries []*entry.Entry
}

// NewBuilder returns a Builder of the scenario with this txid.
func NewBuilder(id txid.ID, start time.Time) *Builder {
	return &Builder{id: id, start: start}
}

// Service returns the resource of a service's process.
func (b *Builder) Service(name string) *entry.Resource {
	return &entry.Resource{Service: name, Version: "1.0.0", Environment: "local", Host: "dev", PID: 100 + len(name), ServerUser: "mina"}
}

// Add adds an entry of any kind; insertId, txid and a span of its own are filled
// in where they are missing.
func (b *Builder) Add(e *entry.Entry) *entry.Entry {
	b.span++
	e.TxID = b.id
	if e.Span == 0 && e.Kind != entry.KindLog {
		e.Span = b.span
	}
	if e.InsertID == "" {
		e.InsertID = fmt.Sprintf("%s-%04d", b.id, b.span)
	}
	b.entries = append(b.entries, e)
	return e
}

// Server adds a request as its server saw it.
func (b *Builder) Server(r *entry.Resource, parent txid.SpanID, method, route, url string, status int, at, took time.Duration) *entry.Entry {
	return b.Add(&entry.Entry{
		Time: b.start.Add(at), Kind: entry.KindServer, Parent: parent, Latency: took, Resource: r,
		HTTP:     entry.HTTP{Method: method, Route: route, URL: url, Status: status, Protocol: "HTTP/1.1", RemoteIP: "203.0.113.9"},
		Severity: entry.SeverityOf(status, "", false),
		Message:  fmt.Sprintf("%s %s %d", method, url, status),
	})
}

// Client adds a call as its caller saw it. url's host may end in :8080.
func (b *Builder) Client(r *entry.Resource, parent txid.SpanID, method, url string, status int, at, took time.Duration) *entry.Entry {
	e := &entry.Entry{
		Time: b.start.Add(at), Kind: entry.KindClient, Parent: parent, Latency: took, Resource: r,
		HTTP:     entry.HTTP{Method: method, URL: url, Status: status, Protocol: "HTTP/1.1"},
		Severity: entry.SeverityOf(status, "", false),
		Message:  fmt.Sprintf("%s %s %d", method, url, status),
	}
	var port int
	var host string
	if _, err := fmt.Sscanf(url, "http://%s", &host); err == nil {
		for i := range len(host) {
			if host[i] == ':' {
				_, _ = fmt.Sscanf(host[i+1:], "%d", &port)
			}
			if host[i] == ':' || host[i] == '/' {
				host = host[:i]
				break
			}
		}
	}
	e.HTTP.ServerAddress, e.HTTP.ServerPort = host, port
	return b.Add(e)
}

// Log adds a line of a logger, written within span.
func (b *Builder) Log(r *entry.Resource, span txid.SpanID, severity entry.Severity, message string, at time.Duration) *entry.Entry {
	return b.Add(&entry.Entry{
		Time: b.start.Add(at), Kind: entry.KindLog, Span: span, Resource: r, Severity: severity, Message: message, Logger: "app",
	})
}

// Entries seals the entries and returns them in the order in which they were made.
func (b *Builder) Entries() []*entry.Entry {
	for _, e := range b.entries {
		if !e.Sealed() {
			// The only error is a raw body, and a Builder's bodies have none.
			_ = e.Seal(nil)
		}
	}
	return b.entries
}
