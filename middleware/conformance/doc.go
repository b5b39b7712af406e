// Package conformance is the promise of being invisible, as a test suite: what
// net/http lets a handler and a client see must be the same with a middleware
// between them. Anybody can run it on their own chain:
//
//	func TestMyChain(t *testing.T) {
//		conformance.Run(t, func(next http.Handler) http.Handler {
//			return myLogging(myRecovery(next))
//		})
//	}
//
// Every case carries the reason of its rule, which is printed where it fails. The
// cases run over real connections: HTTP/1.1, HTTP/2 over TLS, and HTTP/2 without TLS.
// A middleware may add response headers of its own; it may not change, delay,
// or withhold anything else.
//
// [Run] and [RunTransport] are for tests. [Check] and [CheckTransport] run the same
// cases anywhere and return what became of each, to compare or to print.
package conformance
