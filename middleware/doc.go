// Package middleware is the server side: it gives every request its transaction
// ID and records what was asked and what was answered.
//
//	wrap, err := middleware.New(queue, nil)
//	…
//	http.ListenAndServe(addr, wrap(mux))
//
// The handler, the client and the middlewares around see what they would have
// seen without it. The response writer has exactly those of the optional
// interfaces ([http.Flusher], [http.Hijacker], [http.Pusher], [io.ReaderFrom],
// [http.CloseNotifier]) that the inner one has, and Unwrap for
// [http.ResponseController]; files still leave by sendfile; bodies are passed on at
// once and never read on the handler's behalf; a panic goes on with the identical
// value. Package conformance, below this one, is that promise as a test suite.
//
// On the request's path there is the capture of the first [Options.MaxBody] bytes
// of each body and one enqueue; sanitizing and encoding are the queue's work.
// Nothing that a handler can hold after it returned is ever reused: byte buffers, and
// entries that no function of yours sees, alone are, and they are detached under a lock
// when the handler returns.
//
// What is kept of which bodies is said by [Options.Capture], which exchanges are kept
// by [Options.Skip] beforehand and [Options.Keep] at their end.
//
// A handler reaches the exchange through its context: [SetRoute], [SetUser],
// [SetError], [Annotate] and [Keep].
package middleware
