package middleware_test

import (
	"net/http"
	"testing"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/middleware/conformance"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]middleware.Options{
		"Default":   {},
		"Untouched": {Untouched: true},
		"Skipped":   {Skip: func(*http.Request) bool { return true }},
		"Chosen": {
			Keep:    middleware.Always(middleware.None),
			Capture: []middleware.CaptureRule{{Route: "/*", First: 10, Last: 5}, {Type: "text/*", First: 3, Last: 2}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrap, _ := recording(t, o)
			conformance.Run(t, wrap)
		})
	}
}

// Without a function of the user's the entries are lent, and used again and again.
func TestConformanceLent(t *testing.T) {
	t.Parallel()
	wrap, err := middleware.New(newQueue(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, wrap)
}

// Applied twice, with handlers that clone the request in between.
func TestConformanceTwice(t *testing.T) {
	t.Parallel()
	outer, _ := recording(t, middleware.Options{})
	inner, _ := recording(t, middleware.Options{})
	conformance.Run(t, func(next http.Handler) http.Handler { return outer(inner(next)) })
}
