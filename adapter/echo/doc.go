// Package echotx tells txtrail what echo (v5) knows of a request and net/http does
// not: the route, the error that the handler returned, and panics that Recover would
// keep to itself.
//
//	trail, err := txtrail.Open(txtrail.Config{})
//	…
//	e := echo.New()
//	e.Use(middleware.Recover(), echotx.Middleware())
//	e.GET("/items/:id", item)
//	http.ListenAndServe(addr, trail.Handler(e)) // not e.Start
//
// The recording is [github.com/txtrail/txtrail/middleware]'s, around the Echo:
// streaming, hijacking and the rest stay as echo has them. Put the adapter before
// middlewares that answer by themselves; before or after Recover makes no difference.
//
// The handler's context is c.Request().Context(): pass that to clients, loggers and
// [middleware.SetError]. An [echo.Context] is no context.
//
// # What echo needs
//
// echo has a response writer of its own around ours, [echo.Response]. It keeps Flusher
// and Hijacker, which it looks for by Unwrap in ours, and Unwrap reaches the others;
// ours has each of them wherever the server's has it. It has no ReadFrom: files leave
// by way of a buffer, with or without txtrail, and are captured like any other answer.
package echotx
