// Package gatewaytx tells txtrail what grpc-gateway knows of a request and net/http
// does not: the route, the RPC and the code it failed with; and it hands the txid on
// to the gRPC service behind.
//
//	trail, err := txtrail.Open(txtrail.Config{})
//	…
//	opts, err := gatewaytx.ServeMuxOptions(&gatewaytx.Options{Propagator: trail.Propagator(), Backend: "cart.svc.cluster.local"})
//	…
//	gateway := runtime.NewServeMux(opts...)
//	cartv1.RegisterCartServiceHandlerFromEndpoint(ctx, gateway, "cart.svc.cluster.local:443", dialOptions)
//	http.ListenAndServe(addr, trail.Handler(gateway))
//
// Put the options before your own: an option that adds a route takes the middlewares
// that are there by then. Error handlers of your own go into [Options]: with
// runtime.WithErrorHandler behind these options, yours would be the only one.
//
// The recording is [github.com/txtrail/txtrail/middleware]'s, around the gateway. The
// call to the backend has no entry of its own: the backend's names the gateway's
// exchange as its parent. A backend on grpc-go is recorded where it is served by
// net/http: trail.Handler(grpcServer), over HTTP/2.
//
// # What grpc-gateway needs
//
// Nothing more: it flushes its streams by http.Flusher, which the response writer has
// wherever the server's has it.
package gatewaytx
