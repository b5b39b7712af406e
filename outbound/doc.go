// Package outbound records the calls a service makes: a [Transport] around any
// [http.RoundTripper] forwards the transaction ID to the hosts that may have it,
// captures both bodies up to a bound, notes the phases of the call, and says in
// one word why a call failed.
//
// [NewClient] gives a client with limits on dialing, on the TLS handshake and on
// the wait for response headers; [Wrap] takes a client that is there already;
// [NewTransport] is the bare wrapper, which never shortens a call.
//
// # Invisible
//
// The caller gets the same response, the same errors and the same timing as
// without us. The request that is sent is a shallow copy with headers of its own,
// so that trailers set while sending still arrive; nil and [http.NoBody] stay what
// they are. A body that net/http knows to be in memory (a bytes.Buffer, bytes.Reader or
// strings.Reader, bare or in an io.NopCloser) is looked at and passed on untouched, so
// that as many writes carry it as without us; and so is a file of a declared length over
// HTTP/1 without TLS, which goes out by sendfile. Wrapped, and copied from as net/http
// reads it, is every other body: also one in memory of 64 KiB or more over TLS, which
// makes one write more where that is HTTP/1 (two for each 32 KiB where its length is not
// declared), and one with an Expect header. The response's body is the only thing
// replaced, and it still has its Write where it had one, as on a 101.
//
// What a wrapper can not do: [http.Client] knows net/http's own Transport by its
// type. With Client.Timeout set, it starts one goroutine and one timer for a call
// through any other. [http.Transport.CancelRequest], long deprecated, knows the
// request sent and not the caller's.
//
// # Who gets the txid
//
// Hosts that [Options].Propagator allows get our headers; to others nothing is added, and
// the entry has the flag [entry.FlagNotSent]. What the caller himself has put on a request
// goes out as it would without us: an httputil.ReverseProxy before somebody else's service
// passes on what its own client sent, and that may be a txid and facts about a user. Take
// them off in its Rewrite: [txid.Propagator.Header], [txid.HeaderParent],
// [txid.HeaderEntryPage], [txid.HeaderKeep] and [txid.Propagator.Carried]. To a host that
// is allowed, [txid.HeaderKeep] goes for a scope that is kept and not otherwise: a
// stranger's is taken off.
//
// # When the entry is made
//
// Once: when RoundTrip fails, when the response has no body, at the end of the
// body (EOF), at its Close, at its first error, or when the call's context ends (a
// fifth of a second later at most), whichever comes first. A body that is neither read to its end nor closed, in a
// context that never ends, is never recorded: net/http keeps such a body and its
// connection for ever, so that not even the garbage collector can tell. A 101 is
// recorded at once, and the life of the connection with its bytes each way when it is
// closed.
//
// # How much was sent
//
// A request's body has the size that net/http has read of it to send, and the reason
// "not sent" or "not sent to its end" where that is not all: a server may refuse it by
// the head (Expect: 100-continue), or answer and close before its end.
//
// Of a body that was passed on untouched the entry shows what was to be sent, and net/http
// tells by the hooks of [net/http/httptrace] whether it was. Where it had failed, the size
// is -1 and the reason "not sent to its end". Where the answer came before net/http could
// tell, as it does to some calls in a hundred over HTTP/2, a body in memory of less than
// 64 KiB is believed to have been sent: a server that answers by the head alone, before
// such a body has left, is then said to have been sent it. Of a larger one, and of a file,
// the size is -1 and the reason "not known if sent": nearly always a server that answered
// before the end, seldom (measured: one call in some thousands on a machine that was
// overloaded) one that was quick. A base that calls none of the hooks is believed to have
// sent what it got untouched.
//
// # What the calls do not say themselves
//
// A [Dependency] gives a service that is called its name, the templates of its URLs
// and its quota, so that "429s of meet, by route, against 100 a second" can be
// counted later; and the ID by which the provider's own log has the request, from
// its response, becomes a label.
//
// # Why a call failed
//
// The entry's error type is one of the Error constants of package entry, such as
// [entry.ErrorHeaderTimeout]. They are told apart by the types of errors, by the
// context and by the phase the call was in, never by an error's text.
//
// What fails in [http.Client] itself is recorded by clients of [NewClient] and [Wrap]: a
// redirect that CheckRedirect refuses as a call that never took place, one whose Location
// is no URL on the call that was answered so. Not seen is a request's GetBody that fails
// when the body is to be sent again after a 307 or 308: the last entry is that answer's.
package outbound
