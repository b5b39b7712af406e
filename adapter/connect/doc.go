// Package connecttx tells txtrail what connect knows of a call and net/http does not:
// the procedure, and the code it failed with, which gRPC hides in trailers behind a
// status of 200.
//
//	trail, err := txtrail.Open(txtrail.Config{Outbound: &outbound.Options{OnEntry: connecttx.OnEntry}})
//	…
//	mux.Handle(cartv1connect.NewCartServiceHandler(server, connect.WithInterceptors(connecttx.NewInterceptor())))
//	http.ListenAndServe(addr, trail.Handler(mux))
//	…
//	stock := stockv1connect.NewStockServiceClient(trail.Client(), url, connect.WithInterceptors(connecttx.NewInterceptor()))
//
// The recording is [github.com/txtrail/txtrail/middleware]'s around the handler and
// [github.com/txtrail/txtrail/outbound]'s below the client: one entry for each RPC on
// either side, streaming or not, and the txid in the call's headers.
//
// # What connect needs
//
// Nothing more: handlers find Flusher and Unwrap in the response writer as they do
// without txtrail; full duplex, trailers and deadlines work over HTTP/2. Messages in
// JSON are captured and sanitized; in protobuf they are binary, and described. An
// interceptor of yours that answers by itself belongs behind this one, in the same
// WithInterceptors. WithRecover belongs before it, or its function calls
// [middleware.SetPanic]; else its error is all that is seen of a panic.
//
// What connect refuses before it calls the interceptors (a message that does not
// parse, a method that is not POST, a protocol it does not know) is recorded by its
// HTTP status and, over net/http's ServeMux, the pattern of the service.
package connecttx
