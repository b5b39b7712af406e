package conformance

import (
	"net/http"
	"testing"
)

// The suite itself is right where it passes with nothing in between.
func TestNoMiddleware(t *testing.T) {
	Run(t, func(next http.Handler) http.Handler { return next })
}
