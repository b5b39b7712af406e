// Package gorillatx tells txtrail which gorilla/mux route a request matched.
//
//	trail, err := txtrail.Open(txtrail.Config{})
//	…
//	router := mux.NewRouter()
//	router.Use(gorillatx.Middleware)
//	router.HandleFunc("/items/{id}", item)
//	http.ListenAndServe(addr, trail.Handler(router))
//
// The recording is [github.com/txtrail/txtrail/middleware]'s, around the router:
// streaming, hijacking and the rest stay as they are without it. The adapter adds
// the route and the panics that a recovering middleware would keep to itself. Put it
// into the outermost router, after such a middleware and before what answers requests
// by itself.
//
// # What gorilla/mux needs
//
// The router hands the response writer on as it is, so nothing more. It calls no
// middleware for a request that it answers itself: one that no route matches (404,
// 405), and one whose path it cleans (301, unless SkipClean is set). Those are
// recorded without a route.
package gorillatx
