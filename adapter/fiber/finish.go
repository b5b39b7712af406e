package fibertx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// outcome is how the handlers ended; the zero value is a return.
type outcome struct {
	err      error // that they returned
	timedOut bool  // the timeout middleware answered; the handler may still be running
	value    any   // of a panic
	stack    string
	goexit   bool
}

// finish ends the recording and enqueues the entry.
func (x *exchange) finish(c fiber.Ctx, o outcome) {
	took := x.Now().Sub(x.start)
	rc := c.RequestCtx()
	res := &rc.Response
	if o.timedOut {
		res = rc.LastTimeoutErrorResponse()
	}
	answered := o.value == nil && !o.goexit
	fields := x.answer(res, answered)

	x.mu.Lock()
	e := x.rec
	if e == nil {
		x.done = true
		x.mu.Unlock()
		return
	}
	if x.route == "" && !o.timedOut && c.Matched() {
		x.route = bound(c.Route().Path, entry.MaxWord)
	}
	x.rec, x.done = nil, true
	x.mu.Unlock()

	// Nobody else has it now.
	e.Response.Headers = fields
	e.Kind = entry.KindServer
	e.Time = x.start.UTC()
	s := x.scope
	e.TxID, e.Origin, e.Refused, e.Trace, e.Span, e.Parent = s.ID, s.Origin, s.Refused, s.Trace, s.Span, s.Parent
	e.HTTP.Route = x.route
	e.Latency, e.Timings.Handler = took, took
	if rc.Hijacked() {
		e.AddFlag(entry.FlagHijacked)
	}
	if !o.timedOut {
		x.lateBody(c, &e.Request.Body)
	}
	if answered {
		e.HTTP.Status = res.StatusCode()
		e.Timings.FirstByte = took // fasthttp sends nothing before
		e.Response.Body.Type = string(res.Header.ContentType())
		e.Response.Body.ContentEncoding = string(res.Header.ContentEncoding())
		e.HTTP.CacheHit = txid.FromCache(pick(fields, "Age", "X-Cache", "Cache-Status", "Cf-Cache-Status"))
		x.responseBody(res, e, string(res.Header.Peek("Content-Range")))
	}
	panicked := x.conclude(e, &o)
	user := e.Facts.UserID // as the handler said
	if e.Facts = entry.FactsOf(s); user != "" {
		e.Facts.UserID = user
	}
	if e.Facts.EntryPage == "" {
		e.Facts.EntryPage = x.EntryPage()
	}
	e.Severity = entry.SeverityOf(e.HTTP.Status, e.Error.Type, panicked)
	e.Message = x.message(e, took)
	x.emit(e)
}

// answer puts the ID into the response, and returns its headers.
func (x *exchange) answer(res *fasthttp.Response, answered bool) []entry.Header {
	id, h := string(x.scope.ID), &res.Header
	status := res.StatusCode()
	if !answered {
		status = fiber.StatusInternalServerError // what a recovering middleware will say
	}
	// No cache shall hand one user's ID to the next, nor tell strangers what to keep.
	returns := x.ReturnID == middleware.ReturnAlways || x.ReturnID == middleware.ReturnAuto && !txid.SharedCacheable(status, cacheHeaders(h))
	if returns && status >= 400 && x.ErrorLink != nil && len(h.Peek(middleware.HeaderErrorLink)) == 0 {
		if url := x.link(x.scope.ID); url != "" {
			h.Set(middleware.HeaderErrorLink, url)
		}
	}
	if status >= fiber.StatusInternalServerError {
		x.Keep()
	}
	if returns {
		if name := x.Propagator.Header(); len(h.Peek(name)) == 0 {
			h.Set(name, id)
		}
		x.tell(h)
	}
	if !answered {
		return nil
	}
	return appendHeaders(nil, func(yield func(string, string) bool) {
		for k, v := range h.All() {
			if !yield(string(k), string(v)) {
				return
			}
		}
	})
}

// cacheHeaders returns the headers that txid.SharedCacheable looks at.
func cacheHeaders(h *fasthttp.ResponseHeader) http.Header {
	var out http.Header
	for _, name := range [...]string{
		"Cache-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control", "X-Accel-Expires", "Expires", "Date", "Last-Modified", "Etag",
	} {
		for _, v := range h.PeekAll(name) {
			if out == nil {
				out = http.Header{}
			}
			out[name] = append(out[name], string(v))
		}
	}
	return out
}

// pick returns some of fields.
func pick(fields []entry.Header, names ...string) http.Header {
	var out http.Header
	for i := range fields {
		for _, name := range names {
			if fields[i].Name == name {
				if out == nil {
					out = http.Header{}
				}
				out[name] = append(out[name], fields[i].Value)
			}
		}
	}
	return out
}

// conclude says why the exchange failed, if it did, and whether it panicked. What the
// handler said with SetError stands.
func (x *exchange) conclude(e *entry.Entry, o *outcome) (panicked bool) {
	value, trace := o.value, o.stack
	if value == nil {
		value, trace = x.recovered.value, x.recovered.stack
	}
	if value != nil {
		e.AddFlag(entry.FlagPanic)
		e.Error = entry.Error{Type: entry.ErrorPanic, Message: bound(fmt.Sprintf("%T: %s", value, words(value)), entry.MaxMessage), Stack: trace}
		return true
	}
	status := e.HTTP.Status
	switch {
	case e.Error.Type != "":
	case o.goexit:
		e.Error.Type, e.Error.Message = entry.ErrorGoexit, "the handler's goroutine was ended by runtime.Goexit"
	case o.timedOut || errors.Is(o.err, context.DeadlineExceeded):
		e.Error.Type, e.Error.Message = entry.ErrorTimeout, "the timeout middleware answered"
		if o.err != nil {
			_, e.Error.Message = describe(o.err)
		}
	case o.err == nil:
	case status >= 400 && status < 500:
		_, text := describe(o.err)
		annotate(e, LabelClientError, text)
	default:
		e.Error.Type, e.Error.Message = describe(o.err)
	}
	return false
}

// message is the entry in one line: "GET /items/7 200 (1.2 ms)".
func (x *exchange) message(e *entry.Entry, took time.Duration) string {
	b := append([]byte(nil), bound(x.method, 32)...)
	b = append(b, ' ')
	b = append(b, boundPath(x.path, 1<<10)...)
	b = append(b, ' ')
	switch {
	case e.HTTP.Status != 0:
		b = strconv.AppendInt(b, int64(e.HTTP.Status), 10)
		if e.Error.Type == entry.ErrorPanic {
			b = append(b, " panic"...)
		}
	default:
		b = append(b, e.Error.Type...)
	}
	b = append(b, " ("...)
	if took < 10*time.Millisecond {
		b = strconv.AppendFloat(b, float64(took.Microseconds()/100)/10, 'f', 1, 64)
	} else {
		b = strconv.AppendInt(b, took.Milliseconds(), 10)
	}
	return string(append(b, " ms)"...))
}
