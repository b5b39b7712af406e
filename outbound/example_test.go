package outbound_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
)

// A client whose calls carry the txid of the request they are made for, and are
// recorded with both bodies.
func ExampleNewClient() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("txid sent:", r.Header.Get("X-Transaction-Id") != "")
		_, _ = io.WriteString(w, "charged")
	}))
	defer srv.Close()
	queue, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = queue.Close(context.Background()) }()

	client, err := outbound.NewClient(queue, &outbound.Options{
		OnEntry: func(_ context.Context, e *entry.Entry) {
			fmt.Println("recorded:", e.HTTP.Method, e.HTTP.Status, string(e.Request.Body.Raw), "→", string(e.Response.Body.Raw))
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Post(srv.URL+"/v1/charge", "text/plain", strings.NewReader("3 EUR"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	// Output:
	// txid sent: true
	// recorded: POST 200 3 EUR → charged
}

// What is known of a provider is recorded with each call to it, and so is the name
// that the provider gave the request.
func ExampleDependency() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "prov-4711")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	queue, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = queue.Close(context.Background()) }()

	client, err := outbound.NewClient(queue, &outbound.Options{
		Dependencies: []outbound.Dependency{{
			Host:    "127.0.0.1",
			Service: "meet",
			Routes:  []string{"POST /v2/users/{user}/meetings", "/v2/meetings/{meeting}"},
			Quota:   outbound.Quota{Requests: 100, Per: time.Second},
		}},
		OnEntry: func(_ context.Context, e *entry.Entry) {
			fmt.Println(e.Peer.Service, e.HTTP.Method, e.HTTP.Route, e.HTTP.Status, "of", e.Peer.Requests, "in", e.Peer.Per)
			fmt.Println(e.Labels)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Post(srv.URL+"/v2/users/u-77/meetings", "application/json", strings.NewReader("{}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	// Output:
	// meet POST /v2/users/{user}/meetings 429 of 100 in 1s
	// [{peer_request_id prov-4711}]
}
