package middleware

import (
	"fmt"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// Why a body's content is missing or cut, beside what package capture says; see
// [entry.Body.Reason].
const (
	reasonFile   = "file"
	reasonUnread = "unread"
	reasonBrief  = "brief" // a strategy wanted no bodies
)

// firstBuffer is what a body of unknown length starts with, in bytes.
const firstBuffer = 2 << 10

// captured is a body of the exchange. Its exchange's lock guards it.
type captured struct {
	capture.Body
	begun bool // how much is kept has been said
	file  bool // the kernel sent it
	piece bool // it is a piece of something, by its bytes
}

// CaptureRule says how much is kept of the bodies of some exchanges. Sizes are
// counted always, whatever is kept.
type CaptureRule struct {
	// Route is a route pattern as entries show it, with or without a method before
	// it: "/items/{id}", "POST /login". With a "*" at its end it stands for all that
	// begin so: "GET /admin/*". Default "": any route, and none.
	Route string
	// Type is a media type without parameters: "application/json", "text/*".
	// Default "": any, and none.
	Type string
	// First is how many bytes are kept of a body's beginning. At most
	// [entry.MaxBody] together with Last. Default [Options.MaxBody]; -1 keeps none.
	First int
	// Last is how many bytes are kept of the end of a body that is larger, from the
	// first whole record in them. It works for event streams and newline-delimited
	// JSON without a Content-Encoding, and does nothing for others: only where each
	// record stands for itself can the end of a body be sanitized without what went
	// before. The record in between says how much was left out. Default 0.
	Last int
}

// compileRules takes the rules apart. maxBody is what 0 stands for.
func compileRules(rules []CaptureRule, maxBody int) (capture.Rules, error) {
	plain := make([]capture.Rule, len(rules))
	for i, r := range rules {
		plain[i] = capture.Rule(r)
	}
	c, err := capture.CompileRules(plain, maxBody, entry.MaxBody)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	return c, nil
}

// choose says how much of a body is kept, when its first bytes go by: behind a
// router the route is known then, in the request's own goroutine. Where it is not, the
// rules take the most and settle cuts it. A length less than 1 is none. The lock is held.
func (ex *exchange) choose(c *captured, b *entry.Body, declared int64) {
	c.begun = true
	route := ""
	if ex.byRoute {
		route = ex.routeSoFar()
	}
	first, last := ex.rules.Bounds(ex.rec.HTTP.Method, route, b.Type, ex.MaxBody, false)
	c.Begin(first, b.Type, declared)
	c.KeepEnd(last, b.Type, b.ContentEncoding)
	if c.piece {
		c.Partial()
	}
}

// settle applies the rules again, now that the route is known for good, and hands
// what is left to b. The lock is held.
func (ex *exchange) settle(c *captured, e *entry.Entry, b *entry.Body) {
	if len(ex.rules) > 0 {
		first, last := ex.rules.Bounds(e.HTTP.Method, e.HTTP.Route, b.Type, ex.MaxBody, true)
		c.Cut(ex.pool, first, last)
	}
	c.Detach(ex.pool, b)
	if c.file && b.Truncated {
		b.Reason = reasonFile
	}
}
