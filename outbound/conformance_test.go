package outbound_test

import (
	"net/http"
	"testing"

	"github.com/txtrail/txtrail/middleware/conformance"
	"github.com/txtrail/txtrail/outbound"
)

func TestConformance(t *testing.T) {
	conformance.RunTransport(t, func(base http.RoundTripper) http.RoundTripper {
		return newRecorder(t).transport(t, base, nil)
	})
}

// A small bound makes every body larger than it.
func TestConformanceAboveTheBound(t *testing.T) {
	conformance.RunTransport(t, func(base http.RoundTripper) http.RoundTripper {
		return newRecorder(t).transport(t, base, &outbound.Options{MaxBody: 1})
	})
}

// Without a function of the user's the entries are lent, and used again and again.
func TestConformanceLent(t *testing.T) {
	queue := newRecorder(t).queue
	conformance.RunTransport(t, func(base http.RoundTripper) http.RoundTripper {
		tr, err := outbound.NewTransport(base, queue, nil)
		if err != nil {
			t.Error(err)
		}
		return tr
	})
}
