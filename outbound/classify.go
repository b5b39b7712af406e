package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"syscall"
	"time"
)

// Why a call failed: the values of an entry's error type (OpenTelemetry's
// error.type). A response with a status of 4xx or 5xx is an answer and has none.
const (
	ErrDNS            = "dns"             // the host name could not be resolved
	ErrRefused        = "refused"         // nobody listens there
	ErrUnreachable    = "unreachable"     // no route to the host
	ErrConnectTimeout = "connect_timeout" // no connection in time
	ErrTLS            = "tls"             // the handshake failed, or was not over in time
	ErrHeaderTimeout  = "header_timeout"  // the request was sent, no answer began in time
	ErrBodyTimeout    = "body_timeout"    // the answer began and did not end in time
	ErrTimeout        = "timeout"         // time was over in another phase: waiting for a connection, sending
	ErrReset          = "reset"           // the peer broke the connection or the stream
	ErrUnexpectedEOF  = "unexpected_eof"  // the connection was closed before the answer was whole
	ErrCanceled       = "canceled"        // the caller gave up
	ErrRedirect       = "redirect"        // a redirect was not followed
	ErrProtocol       = "protocol"        // what came is not HTTP
	ErrOther          = "other"
)

// failure is why and where a call failed; kind is "" when it did not.
type failure struct {
	kind      string
	phase     phase
	timedOut  bool
	took      time.Duration
	limitName string        // which limit was exceeded, where it is known
	limit     time.Duration // and how long it was
}

// classify is called when done has been set.
func (c *call) classify(o outcome) (f failure) {
	f.phase = c.m.phase()
	if o.panicked {
		f.kind = ErrOther
		return f
	}
	if o.err == nil {
		return f
	}
	if o.redirect {
		f.kind = ErrRedirect
		return f
	}
	expired := c.ctx.Err() == context.DeadlineExceeded
	gaveUp := c.ctx.Err() == context.Canceled
	if c.canceled() && !expired && !gaveUp {
		// http.Client's timer closes Cancel at the deadline it has put into the
		// context, and may be first.
		if d, ok := c.ctx.Deadline(); ok && !time.Now().Before(d) {
			expired = true
		} else {
			gaveUp = true
		}
	}
	f.kind, f.timedOut = classifyError(o.err, f.phase, expired, gaveUp, &c.m)
	if f.timedOut {
		if expired {
			f.limitName, f.limit = "deadline", c.deadline
		} else {
			f.limitName, f.limit = baseLimit(c.t.base, f.phase)
		}
	}
	return f
}

// classifyError decides by what is certain first: the error's own type where it
// names a cause, then the context, then timeouts by phase, then the phase alone.
func classifyError(err error, p phase, expired, gaveUp bool, m *marks) (kind string, timedOut bool) {
	var (
		dnsErr  *net.DNSError
		netErr  net.Error
		certErr *tls.CertificateVerificationError
	)
	isTimeout := errors.As(err, &netErr) && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case is(err, errnoRefused):
		return ErrRefused, false
	case is(err, errnoUnreachable):
		return ErrUnreachable, false
	case errors.As(err, &certErr):
		return ErrTLS, false
	}
	if expired {
		return timeoutKind(p), true
	}
	if gaveUp {
		return ErrCanceled, false
	}
	switch {
	case errors.As(err, &dnsErr):
		return ErrDNS, dnsErr.IsTimeout
	case isTimeout:
		return timeoutKind(p), true
	case errors.Is(err, context.Canceled):
		return ErrCanceled, false // a context of the base's own
	case isTLS(err):
		return ErrTLS, false
	case is(err, errnoReset):
		return ErrReset, false
	case p == phaseTLS:
		return ErrTLS, false
	case isStreamReset(err):
		return ErrReset, false
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ErrUnexpectedEOF, false
	case isProtocol(err):
		return ErrProtocol, false
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return ErrReset, false
	}
	// net/http's own errors for these have no type.
	switch {
	case p == phaseHeaders, p == phaseBody:
		return ErrProtocol, false // bytes came, and nothing could be made of them
	case m.reused && (p == phaseSend || p == phaseWait):
		return ErrReset, false // an idle connection that the server had closed
	}
	return ErrOther, false
}

func timeoutKind(p phase) string {
	switch p {
	case phaseDNS:
		return ErrDNS
	case phaseConnect:
		return ErrConnectTimeout
	case phaseTLS:
		return ErrTLS
	case phaseWait, phaseHeaders:
		return ErrHeaderTimeout
	case phaseBody:
		return ErrBodyTimeout
	}
	return ErrTimeout
}

// is reports whether err holds one of the operating system's error numbers.
func is(err error, numbers []syscall.Errno) bool {
	var n syscall.Errno
	if !errors.As(err, &n) {
		return false
	}
	for _, x := range numbers {
		if n == x {
			return true
		}
	}
	return false
}

func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		ech       *tls.ECHRejectionError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &ech) ||
		errors.As(err, &authority) || errors.As(err, &name) || errors.As(err, &invalid) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

func isProtocol(err error) bool {
	var (
		mime  *textproto.ProtocolError
		code  *textproto.Error
		proto *http.ProtocolError //nolint:staticcheck // not all are of this type, but some still are
	)
	return errors.As(err, &mime) || errors.As(err, &code) || errors.As(err, &proto)
}

// streamError has the shape of net/http's HTTP/2 stream error, which converts
// itself to any struct of that shape (net/http/h2_error.go): RST_STREAM, sent or
// received.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error implements error.
func (streamError) Error() string { return "outbound: HTTP/2 stream error" }

func isStreamReset(err error) bool {
	var s streamError
	return errors.As(err, &s)
}
