package conformance_test

import (
	"fmt"
	"net/http"

	"github.com/txtrail/txtrail/middleware/conformance"
)

func ExampleRun() {
	myChain := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Served-By", "me") // forbidden: it shows up in 1xx responses
			next.ServeHTTP(w, r)
		})
	}
	// In a test: conformance.Run(t, myChain).
	_ = myChain

	for _, c := range conformance.Cases() {
		if c.Name == "FlushedArrives" {
			fmt.Println(c.Reason)
		}
	}
	// Output:
	// What has been flushed is at the client while the handler still runs: event streams, long polling and progress depend on it.
}
