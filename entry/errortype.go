package entry

// Values of Error.Type: why an exchange failed, in one word, whoever tells of it. A
// response with a status of 4xx or 5xx is an answer and has none. Beside these a
// type may be one that a handler or a framework named, such as an error's Go type or
// the code of an RPC.
const (
	// Of calls, as their caller saw them.

	ErrorDNS            = "dns"             // the host name could not be resolved
	ErrorRefused        = "refused"         // nobody listens there
	ErrorUnreachable    = "unreachable"     // no route to the host
	ErrorConnectTimeout = "connect_timeout" // no connection in time
	ErrorTLS            = "tls"             // the handshake failed, or was not over in time
	ErrorHeaderTimeout  = "header_timeout"  // the request was sent, no answer began in time
	ErrorBodyTimeout    = "body_timeout"    // the answer began and did not end in time
	ErrorTimeout        = "timeout"         // time was over in another phase: waiting for a connection, sending, serving
	ErrorReset          = "reset"           // the peer broke the connection or the stream
	ErrorUnexpectedEOF  = "unexpected_eof"  // the connection was closed before the answer was whole
	ErrorCanceled       = "canceled"        // the caller gave up
	ErrorRedirect       = "redirect"        // a redirect was not followed
	ErrorProtocol       = "protocol"        // what came is not HTTP
	ErrorRequestBody    = "request_body"    // the body to be sent could not be read, or has not the declared length
	ErrorOther          = "other"

	// Of requests, as their server saw them. ErrorTimeout is one as well: the request's
	// context passed its deadline.

	ErrorPanic          = "panic"            // the handler panicked
	ErrorGoexit         = "goexit"           // the handler's goroutine was ended: runtime.Goexit
	ErrorHandlerAborted = "handler_aborted"  // the handler broke the response off: http.ErrAbortHandler
	ErrorClientAborted  = "client_aborted"   // the client went away before it had the response
	ErrorReadTimeout    = "read_timeout"     // the client sent its body too slowly
	ErrorWriteTimeout   = "write_timeout"    // the client took the response too slowly
	ErrorBadRequestBody = "bad_request_body" // the body could not be read, and the answer was a 4xx or 5xx
	ErrorShortResponse  = "short_response"   // the handler wrote less than its Content-Length: the client did not get it whole
)

// Labels of calls that belong together or were sent more than once.
const (
	// LabelAttemptOf groups the attempts of one call: its value is the span of the
	// first attempt, on all later ones.
	LabelAttemptOf = "attempt_of"
	// LabelRedirectOf is on a call that follows a redirect: the span of the hop that
	// answered with it.
	LabelRedirectOf = "redirect_of"
	// LabelRedirectHop is the hop's number, 1 for the first redirect followed.
	LabelRedirectHop = "redirect_hop"
	// LabelResent is on a call that net/http itself sent again because an idle
	// connection turned out to be dead: how often.
	LabelResent = "resent_by_transport"
	// LabelPeerRequestID is the ID under which the service that was called has the
	// request in its own log, as its response said.
	LabelPeerRequestID = "peer_request_id"
)

// LabelTLSVersion is on a request that came over TLS: the version, as OpenTelemetry's
// tls.protocol.version.
const LabelTLSVersion = "tls.protocol.version"
