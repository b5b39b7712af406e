// Package gintx tells txtrail what gin knows of a request and net/http does not: the
// route, the errors that handlers put on the context, and panics that Recovery would
// keep to itself.
//
//	trail, err := txtrail.Open(txtrail.Config{})
//	…
//	router := gin.Default()
//	router.Use(gintx.Middleware())
//	router.GET("/items/:id", item)
//	http.ListenAndServe(addr, trail.Handler(router)) // not router.Run
//
// The recording is [github.com/txtrail/txtrail/middleware]'s, around the engine:
// streaming, hijacking and the rest stay as gin has them. Put the adapter after
// Recovery and before your own error handling, so that the status is settled when it
// looks at the errors.
//
// # The context
//
// A [gin.Context] is a context, but it finds what is in the request's context, and so
// the txid, only where the engine's ContextWithFallback is set. Without that, pass
// c.Request.Context() to clients, loggers and [middleware.SetError], not c.
//
// # What gin needs
//
// gin has a response writer of its own around ours. It keeps Flusher, Hijacker and
// CloseNotifier, and Unwrap reaches the others; ours has each of them wherever the
// server's has it, so gin's assertions find what they find without txtrail. It has no
// ReadFrom: files leave by way of a buffer, with or without txtrail, and are captured
// like any other answer.
package gintx
