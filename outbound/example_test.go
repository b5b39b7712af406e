package outbound_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

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
