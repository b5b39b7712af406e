// Package fibertx records the requests of a fiber (v3) application. fiber does not
// stand on net/http, so this is a middleware of its own, which makes the entries that
// [github.com/txtrail/txtrail/middleware] makes elsewhere:
//
//	trail, err := txtrail.Open(txtrail.Config{})
//	…
//	record, err := fibertx.New(trail.Queue(), &fibertx.Options{Propagator: trail.Propagator()})
//	…
//	app := fiber.New()
//	app.Use(record)
//	app.Use(recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: fibertx.NotePanic}))
//	app.Get("/items/:id", item)
//
// Make it the first: what stands before it is not recorded, and does not see the
// errors of what stands behind it, since the status is known only when fiber's error
// handler has answered, and the adapter has it called at once, not at the end.
//
// # The context
//
// The txid is in c.Context(): pass that to clients, loggers, [middleware.SetUser] and
// its like. A [fiber.Ctx] is a context too, but it does not find the txid.
//
// fiber finds a route while it calls its handlers. The entry has it; a call that a
// first hop's handler makes to another service carries its path as the page by which
// the user came in, unless the handler has named the route by [middleware.SetRoute].
//
// fiber's strings (c.Params, c.Query, c.Get …) are only good until the handler returns,
// since their bytes become the next request's. What is given to [middleware.SetUser] and
// its like is copied. What goes into a log line, or a header or URL of a call, is written
// down later, as with any logger or client that does so: give them copies
// ([strings.Clone]), or have fiber make them (fiber.Config{Immutable: true}).
//
// # What is captured
//
// fasthttp reuses its buffers for the next request, so all is copied: fields within
// the entry package's bounds, bodies up to MaxBody. A body that is a stream, of a
// request or a response, is described and never read: type, length where one is
// declared, and the reason "stream"; but a request body that the handler has taken
// into memory is captured then. A form that fasthttp has parsed into
// files already is described as "multipart". A response that streams after the
// handler has returned is recorded with the time until then.
//
// A taken connection (a WebSocket) is recorded when the handler returns, as
// "hijacked"; there is no entry at its end. fasthttp does not tell of clients that go
// away.
//
// Where the timeout middleware has answered, the abandoned handler may still be using
// the context: the entry then holds what was answered and has no route.
package fibertx
