// Package chitx tells txtrail which chi pattern a request matched.
//
//	trail, err := txtrail.Open(txtrail.Config{})
//	…
//	router := chi.NewRouter()
//	router.Use(chitx.Middleware)
//	router.Get("/items/{id}", item)
//	http.ListenAndServe(addr, trail.Handler(router))
//
// The recording is [github.com/txtrail/txtrail/middleware]'s, around the router:
// streaming, hijacking and the rest stay as they are without it. The adapter adds
// the route, also that of routers mounted below, and the panics that a Recoverer
// would keep to itself. Put it into the outermost router, after middleware.Recoverer
// and before what answers requests by itself. A router that is mounted below needs
// none of its own.
//
// # What chi needs
//
// chi hands the response writer on as it is, so nothing more. Some of its middlewares
// do not: Compress and Timeout change what the handler sees, with or without txtrail.
// chi's own WrapResponseWriter, used by Logger, has the interfaces of the writer it
// wraps. An ID made by middleware.RequestID is another one; to use the txid instead,
// call txid.IDFromContext.
package chitx
