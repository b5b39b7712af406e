package fibertx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// exchange is one request being served, and its txid.Recorder. It holds nothing of
// fiber's: the context may outlive the request.
type exchange struct {
	*config
	scope   *txid.Scope
	ctx     context.Context // the handler's, for OnEntry
	start   time.Time
	method  string
	path    string
	referer string // its path
	kept    atomic.Bool

	mu    sync.Mutex
	rec   *entry.Entry // nil: not recorded, or handed over
	done  bool
	route string
	// recovered is a panic that was recovered behind us. Set while rec is.
	recovered struct {
		value any
		stack string
	}
}

var _ txid.Recorder = (*exchange)(nil)

// begin starts the recording. What the handlers may change is taken now.
func (x *exchange) begin(c fiber.Ctx, r *http.Request) {
	e := &entry.Entry{}
	e.Request.Headers = appendHeaders(make([]entry.Header, 0, min(len(r.Header), entry.MaxHeaders)+1), each(r.Header))
	e.HTTP = entry.HTTP{
		Method: r.Method, URL: bound(r.RequestURI, entry.MaxURL), Protocol: r.Proto,
		UserAgent: bound(r.Header.Get("User-Agent"), entry.MaxMessage),
		Referer:   bound(r.Header.Get("Referer"), entry.MaxURL),
		RemoteIP:  middleware.ClientIP(r, x.TrustedProxies, x.ProxyHeader),
	}
	e.Request.Body.Type = r.Header.Get("Content-Type")
	e.Request.Body.ContentEncoding = r.Header.Get("Content-Encoding")
	if r.TLS != nil {
		e.Labels = append(e.Labels, tlsLabel(r.TLS.Version))
	}
	x.requestBody(c, &e.Request.Body, r.Header.Get("Content-Range"))
	x.rec = e
}

// SetRoute implements [txid.Recorder].
func (x *exchange) SetRoute(route string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.done {
		x.route = own(route, entry.MaxWord)
	}
}

// EntryPage implements [txid.Recorder].
func (x *exchange) EntryPage() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.entryPage()
}

// entryPage is the page by which the user came in: the one that was carried; on a
// scenario's first hop this request itself; else the page that the browser says the
// call was made from. The lock is held.
func (x *exchange) entryPage() string {
	switch s := x.scope; {
	case s.EntryPage != "":
		return s.EntryPage
	case s.Origin != txid.OriginMinted:
		return x.referer
	case x.route != "":
		return x.method + " " + x.route
	}
	return x.method + " " + boundPath(x.path, entry.MaxWord)
}

// SetUser implements [txid.Recorder].
func (x *exchange) SetUser(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rec != nil {
		x.rec.Facts.UserID = own(id, entry.MaxWord)
	}
}

// SetError implements [txid.Recorder].
func (x *exchange) SetError(err error) {
	if err == nil {
		return
	}
	name, text := describe(err)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rec != nil {
		x.rec.Error.Type, x.rec.Error.Message = name, text
	}
}

// Annotate implements [txid.Recorder].
func (x *exchange) Annotate(name, value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rec != nil {
		annotate(x.rec, name, value)
	}
}

func annotate(e *entry.Entry, name, value string) {
	if name != "" && len(e.Labels) < entry.MaxLabels {
		e.Labels = append(e.Labels, entry.Label{Name: own(name, entry.MaxLabelName), Value: own(value, entry.MaxLabelValue)})
	}
}

func (x *exchange) setPanic(v any, stack string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rec != nil {
		x.recovered.value, x.recovered.stack = v, stack
	}
}

// describe returns an error's type, by its own word or in Go, and its text, whatever
// its methods do.
func describe(err error) (name, text string) {
	name = bound(fmt.Sprintf("%T", err), entry.MaxWord)
	text = bound(fmt.Sprint(err), entry.MaxMessage) // fmt itself catches a panic
	defer func() { _ = recover() }()
	var typed interface{ ErrorType() string }
	if errors.As(err, &typed) {
		if word := typed.ErrorType(); word != "" {
			name = bound(word, entry.MaxWord)
		}
	}
	return name, text
}

// words returns what a panic's value says of itself. Of anything without words of its own
// fmt would print the fields, without the names by which the sanitizer knows what to hide.
func words(v any) string {
	switch v.(type) {
	case error, fmt.Stringer, string, bool, int, int8, int16, int32, int64,
		uint, uint8, uint16, uint32, uint64, uintptr, float32, float64:
		return fmt.Sprint(v) // fmt itself catches a panic of v's methods
	}
	return ""
}

// stack returns the goroutine's, for a deferred function that recovered.
func stack() string {
	b := make([]byte, entry.MaxStack)
	return string(b[:runtime.Stack(b, false)])
}
