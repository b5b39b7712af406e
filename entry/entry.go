package entry

import (
	"time"

	"github.com/txtrail/txtrail/txid"
)

// Kind says what sort of thing an Entry tells of.
type Kind string

// The kinds.
const (
	KindServer  Kind = "server"  // a request, as its server saw it
	KindClient  Kind = "client"  // a call, as its caller saw it
	KindLog     Kind = "log"     // a line of an application's logger
	KindBrowser Kind = "browser" // reported by the page
	KindStream  Kind = "stream"  // the life of a WebSocket or an event stream
	KindGap     Kind = "gap"     // entries lost here: how many, and why
	KindCrash   Kind = "crash"   // a request in flight when its process died
)

// Header is one header field as it was sent; a field sent twice is two Headers.
type Header struct {
	Name  string
	Value string
}

// Label is a name and a value chosen by the user.
type Label struct {
	Name  string
	Value string
}

// Body is what is known of a request's or response's body.
type Body struct {
	// Raw is the captured first bytes as they were on the wire, not sanitized and
	// perhaps compressed. It never reaches a line: the queue's worker turns it
	// into Content and takes it back.
	Raw []byte
	// Content is the sanitized content. Nil when there is nothing to show.
	Content []byte
	// Encoding is "utf-8" when Content is text, "base64" when it had to be
	// wrapped, "" without content.
	Encoding string
	// Type and ContentEncoding are the message's Content-Type and
	// Content-Encoding.
	Type            string
	ContentEncoding string
	// Size is the number of bytes that went over the wire, -1 if unknown.
	Size int64
	// Truncated says that Raw, later Content, is not the whole body.
	Truncated bool
	// Reason says why content is missing or cut, in a word or two: "binary",
	// "unread", "capture limit", "malformed json".
	Reason string
	// Chunks counts the pieces in which a streamed body was sent on its way. 0 for
	// one that was not streamed, or not counted.
	Chunks int
}

// Empty reports whether nothing is known of the body.
func (b *Body) Empty() bool {
	return len(b.Raw) == 0 && len(b.Content) == 0 && b.Size == 0 && !b.Truncated && b.Reason == ""
}

// Message is the request or response half of an exchange.
type Message struct {
	Headers  []Header
	Trailers []Header
	Body     Body
}

// HTTP is what an exchange's request line, status line and route say.
type HTTP struct {
	Method   string
	URL      string // as requested: with scheme and host for a call, path and query for a request
	Route    string // the pattern that matched: "/items/{id}"
	Protocol string // "HTTP/1.1"
	Status   int    // 0: none was received or sent
	// RemoteIP is the peer's address; UserAgent and Referer repeat the headers,
	// since agents and queries look for them in httpRequest.
	RemoteIP  string
	UserAgent string
	Referer   string
	CacheHit  bool // a cache answered
	// ResendCount counts the attempts of the same call that went before this one
	// (OpenTelemetry's http.request.resend_count).
	ResendCount int
	// ServerAddress and ServerPort are the host that was called.
	ServerAddress string
	ServerPort    int
	// Deadline is how long the call was allowed to take when it began; 0: no limit.
	Deadline time.Duration
}

// Timings are the phases of an exchange. Zero means that a phase did not occur or
// is not known. For a call they follow one another as in a HAR file, and Handler is
// zero; for a request only FirstByte and Handler are known.
type Timings struct {
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	Send      time.Duration // from a connection until the request was written
	Wait      time.Duration // from the written request until the first byte of the answer
	Receive   time.Duration // from the first to the last byte
	FirstByte time.Duration // from the start until the first byte of the answer
	Handler   time.Duration // how long the handler ran
}

// Error says why an exchange failed.
type Error struct {
	// Type is OpenTelemetry's error.type: one word from a small vocabulary ([ErrorDNS]
	// and those beside it), or one that a handler or a framework named: a Go type, the
	// code of an RPC.
	Type    string
	Message string
	Stack   string // of a panic
}

// Peer is what the caller's settings say of the service that was called.
type Peer struct {
	// Service is its name (OpenTelemetry's service.peer.name), as it calls itself.
	Service string
	// Requests is how many calls it takes in each Per before it answers 429; both
	// are 0 where that is not known.
	Requests int
	Per      time.Duration
}

// Facts are what is known of the user and the device; every hop of a scenario has
// them, so that any entry answers which user, on which device, by which page.
type Facts struct {
	UserID     string // user.id; may be a keyed token
	Device     string // device.model
	OS         string // os.name, with its version: "iOS 26.3"
	AppVersion string // app.version
	Country    string // geo.country.iso_code
	EntryPage  string // entry_page: "GET /items"
	// Carried are the carried headers that have no field of their own.
	Carried []Label
}

// Resource is the process an entry comes from. One Resource is shared by all
// entries of a process.
type Resource struct {
	Service     string // service.name
	Version     string // service.version
	Instance    string // service.instance.id
	Environment string // deployment.environment.name
	Host        string // host.name
	PID         int    // process.pid
	// ServerUser is who runs the process on a developer's machine
	// (process.owner); empty in production.
	ServerUser string
	// Attributes are named static values the user asked for.
	Attributes []Label
}

// Source is the line of code that logged.
type Source struct {
	File     string
	Line     int
	Function string
}

// Gap is the content of a gap entry.
type Gap struct {
	Count  int64  // entries lost
	Bytes  int64  // their size as far as it is known
	Reason string // "queue full", "disk full", …
	From   time.Time
	To     time.Time
}

// Redaction counts what one sanitizer rule hid in an entry.
type Redaction struct {
	Rule  string
	Count int
}

// Flags that an entry may carry, each a fact that changes how it is to be read.
const (
	FlagUnread     = "request_body_unread"       // the handler did not read the request body to its end
	FlagAborted    = "client_aborted"            // the client went away
	FlagHijacked   = "hijacked"                  // the handler took the connection
	FlagPanic      = "panic"                     // the handler panicked
	FlagNoDeadline = "no_deadline"               // the call could have waited for ever
	FlagReused     = "connection_reused"         // an idle connection was taken
	FlagStreamed   = "streamed"                  // the response was flushed in pieces
	FlagNotRead    = "response_body_not_read"    // the caller closed the response body before its end
	FlagEndUnseen  = "response_end_not_seen"     // the caller read of a response body of unknown length and closed it: perhaps there was no more
	FlagNotSent    = "txid_not_sent"             // the host is not one that gets the txid
	FlagLate       = "handler_used_after_return" // the handler wrote after it returned
	FlagEscalated  = "escalated"                 // kept since another hop failed, or asked for it
)

// Entry is one thing that happened. It is a plain struct: whoever makes it fills
// it and hands it to a queue; from then on nobody may change it but the queue's
// worker, and after [Entry.Seal] nobody at all.
type Entry struct {
	Time     time.Time // when it began, UTC, to the nanosecond
	TxID     txid.ID
	InsertID string // unique, sorts in order of capture within a process
	Severity Severity
	Kind     Kind
	Message  string // one line for people

	Span    txid.SpanID
	Parent  txid.SpanID
	Origin  txid.Origin // where the ID came from
	Refused string      // an ID that was not accepted
	Trace   txid.Trace

	HTTP     HTTP
	Peer     Peer
	Latency  time.Duration // from the start to the last byte
	Timings  Timings
	Request  Message
	Response Message
	Error    Error
	Flags    []string
	Facts    Facts
	Labels   []Label

	Logger     string  // name of the logger, for kind log
	Attributes []Label // attributes of a log line, values as text
	Source     Source
	Gap        *Gap

	Resource   *Resource
	Redactions []Redaction

	line   []byte
	lender Lender
	own    bool // line was made from the fields
}

// Line returns the canonical line of a sealed entry, without a newline, or nil.
// It is shared by all sinks: read it only, and copy it to keep it beyond a Write.
func (e *Entry) Line() []byte { return e.line }

// Sealed reports whether the entry carries its canonical line.
func (e *Entry) Sealed() bool { return e.line != nil }

// Encoded reports whether Line was made from the fields of e, by [Entry.Seal], so that
// they say the same. Of what [Parse] returns the line may say more, of what [Head]
// returns it does.
func (e *Entry) Encoded() bool { return e.own }

// HasFlag reports whether flag is set.
func (e *Entry) HasFlag(flag string) bool {
	for _, f := range e.Flags {
		if f == flag {
			return true
		}
	}
	return false
}

// AddFlag sets a flag once.
func (e *Entry) AddFlag(flag string) {
	if !e.HasFlag(flag) {
		e.Flags = append(e.Flags, flag)
	}
}

// Failed reports whether the exchange failed: an error, or a status of 500 and
// more. A 4xx is the caller's failure: a client entry with one failed, a server
// entry did its work.
func (e *Entry) Failed() bool {
	switch e.Kind {
	case KindGap, KindCrash:
		return true
	case KindLog:
		return e.Severity >= SeverityError
	case KindClient:
		return e.Error.Type != "" || e.HTTP.Status >= 400
	}
	return e.Error.Type != "" || e.HTTP.Status >= 500
}
