//go:build !race

package outbound_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
)

// maxAllocations is what a recorded POST in a request's context may allocate more
// than the same call without us: the call's state, the request's copy, its
// headers, and strings of the entry, which is lent. A budget, to be lowered and never raised.
const maxAllocations = 9

func TestAllocations(t *testing.T) {
	base := &answerer{body: []byte(strings.Repeat("y", 1024))}
	ctx, _ := scoped(t)
	measure := func(rt http.RoundTripper) float64 {
		return testing.AllocsPerRun(200, func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://core/v1/charge", strings.NewReader("text"))
			req.Header["Content-Type"] = []string{"application/json"}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		})
	}
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = q.Close(context.Background()) // the worker's allocations are not ours
	tr, err := outbound.NewTransport(base, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bare, ours := measure(base), measure(tr); ours-bare > maxAllocations {
		t.Errorf("%v allocations more, at most %d", ours-bare, maxAllocations)
	} else {
		t.Logf("%v allocations, %v without us", ours, bare)
	}
}
