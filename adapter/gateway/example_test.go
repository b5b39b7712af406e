package gatewaytx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"github.com/txtrail/txtrail/adapter/gateway"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func ExampleServeMuxOptions() {
	memory := &sinktest.Memory{} // a journal, in a service
	queue, err := sink.NewQueue(memory, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	record, err := middleware.New(queue, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	opts, err := gatewaytx.ServeMuxOptions(nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	gateway := runtime.NewServeMux(opts...)
	// Generated code registers its RPCs in the same way.
	err = gateway.HandlePath(http.MethodGet, "/v1/carts/{id}", func(w http.ResponseWriter, _ *http.Request, params map[string]string) {
		fmt.Fprintln(w, "cart", params["id"])
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(record(gateway))
	defer server.Close()
	if res, err := http.Get(server.URL + "/v1/carts/7"); err == nil {
		res.Body.Close()
	}
	_ = queue.Close(context.Background())
	for _, e := range memory.Entries() {
		fmt.Println(e.HTTP.Method, e.HTTP.URL, "→", e.HTTP.Route, e.HTTP.Status)
	}
	// Output: GET /v1/carts/7 → /v1/carts/{id} 200
}
