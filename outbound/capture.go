package outbound

import (
	"fmt"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// CaptureRule says how much is kept of the bodies of some calls. Sizes are counted
// always, whatever is kept.
type CaptureRule struct {
	// Route is a route as entries show it (see [Dependency].Routes and
	// [Options.Route]), with or without a method before it: "/items/{id}",
	// "POST /login". With a "*" at its end it stands for all that begin so:
	// "GET /admin/*". Default "": any route, and none.
	Route string
	// Type is a media type without parameters: "application/json", "text/*".
	// Default "": any, and none.
	Type string
	// First is how many bytes are kept of a body's beginning. At most [entry.MaxBody] together
	// with Last. Default [Options.MaxBody]; -1 keeps none.
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
