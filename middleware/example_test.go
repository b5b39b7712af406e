package middleware_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

func ExampleMost() {
	keep := middleware.Most(
		middleware.OnError(),
		middleware.SlowerThan(time.Second),
		middleware.Sampled(0.5), // the same scenarios in every service
		middleware.Always(middleware.Brief),
	)
	for _, e := range []*entry.Entry{
		{TxID: "scenario-0001", HTTP: entry.HTTP{Status: 200}},
		{TxID: "scenario-0001", HTTP: entry.HTTP{Status: 503}},
		{TxID: "scenario-0001", HTTP: entry.HTTP{Status: 200}, Latency: 2 * time.Second},
		{TxID: "scenario-0004", HTTP: entry.HTTP{Status: 200}},
	} {
		fmt.Println(e.TxID, e.HTTP.Status, e.Latency, keep(e) == middleware.Full)
	}
	// Output:
	// scenario-0001 200 0s false
	// scenario-0001 503 0s true
	// scenario-0001 200 2s true
	// scenario-0004 200 0s true
}

func Example() {
	queue, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer queue.Close(context.Background())

	wrap, err := middleware.New(queue, &middleware.Options{
		Skip: middleware.AnySkip(middleware.SkipNoise, middleware.SkipBots),
		OnEntry: func(_ context.Context, e *entry.Entry) {
			fmt.Println(e.HTTP.Method, e.HTTP.Route, e.HTTP.Status, e.Facts.UserID, e.Labels)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		middleware.Annotate(r.Context(), "item", r.PathValue("id"))
		_ = json.NewEncoder(w).Encode(map[string]any{"txid": txid.IDFromContext(r.Context())})
	})
	server := httptest.NewServer(wrap(mux))
	defer server.Close()

	req, _ := http.NewRequest("GET", server.URL+"/items/7", nil)
	req.Header.Set(txid.Header, "item-box-0001")
	req.Header.Set(txid.HeaderUser, "42")
	res, err := server.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Print(res.Header.Get(txid.Header), " ", string(body))
	// Output:
	// GET /items/{id} 200 42 [{item 7}]
	// item-box-0001 {"txid":"item-box-0001"}
}
