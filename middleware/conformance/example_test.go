package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

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

func ExampleCheck() {
	noFlush := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r) // hides everything but Write
		})
	}
	results, err := conformance.Check(context.Background(), noFlush, &conformance.CheckOptions{
		Patience: time.Second, Parallel: 32, // it will fail: no need to wait for long
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range results {
		if r.Name == "SameInterfaces" && r.Protocol == "H2C" && !r.Passed() {
			fmt.Printf("%s, over %s: %s\n", r.Group, r.Protocol, r.Reason)
		}
	}
	// Output:
	// interfaces, over H2C: Code asserts for the optional interfaces: one that is missing refuses a WebSocket, one that is there without the inner writer's fails only when it is used.
}
