package connecttx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/txtrail/txtrail/adapter/connect"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func ExampleNewInterceptor() {
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

	// What generated code does.
	const procedure = "/shop.v1.Cart/Empty"
	handler := connect.NewUnaryHandler(procedure,
		func(context.Context, *connect.Request[emptypb.Empty]) (*connect.Response[emptypb.Empty], error) {
			return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf("store closed"))
		}, connect.WithInterceptors(connecttx.NewInterceptor()))
	mux := http.NewServeMux()
	mux.Handle(procedure, handler)
	server := httptest.NewServer(record(mux))
	defer server.Close()

	client := connect.NewClient[emptypb.Empty, emptypb.Empty](server.Client(), server.URL+procedure)
	_, err = client.CallUnary(context.Background(), connect.NewRequest(&emptypb.Empty{}))
	fmt.Println("client:", err)
	_ = queue.Close(context.Background())
	for _, e := range memory.Entries() {
		fmt.Println("entry:", e.HTTP.Route, e.HTTP.Status, e.Error.Type)
	}
	// Output:
	// client: unavailable: store closed
	// entry: /shop.v1.Cart/Empty 503 unavailable
}
