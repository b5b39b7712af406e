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

	"github.com/txtrail/txtrail/entry"
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
		f.kind = entry.ErrorOther
		return f
	}
	if o.err == nil {
		return f
	}
	if o.redirect {
		f.kind = entry.ErrorRedirect
		return f
	}
	if o.err == errNoResponse {
		f.kind = entry.ErrorOther
		return f
	}
	expired := c.ctx.Err() == context.DeadlineExceeded
	gaveUp := c.ctx.Err() == context.Canceled
	if !expired && !gaveUp {
		// The context's timer may be last: a dialer has one for the same moment, and
		// so has http.Client, which closes Cancel by it.
		canceled := c.canceled()
		if d, ok := c.ctx.Deadline(); ok && (canceled || isTimeout(o.err)) && !time.Now().Before(d) {
			expired = true
		} else {
			gaveUp = canceled
		}
	}
	if !expired && !gaveUp && c.bodyFailed(o.err) {
		f.kind = entry.ErrorRequestBody
		return f
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

// bodyFailed reports whether a call failed for the body that was to be sent: by the
// body's own error, which net/http hands on, or since it has not the declared length,
// which net/http says in words alone. What that error is made of says nothing of the
// host that was called.
func (c *call) bodyFailed(err error) (failed bool) {
	defer func() {
		if recover() != nil { // of an error that was asked
			failed = false
		}
	}()
	if c.reqErr != nil && errors.Is(err, c.reqErr) {
		return true
	}
	if c.reqPeeked { // net/http finds out before or while it sends, the server at the latest
		return c.reqWrong && c.m.response == 0 && c.m.conns > 0
	}
	return c.m.response == 0 && c.reqLength > 0 && (c.reqEOF && c.req.Size < c.reqLength || c.req.Size > c.reqLength)
}

// classifyError decides by what is certain first: the error's own type where it
// names a cause, then the context, then timeouts by phase, then the phase alone.
//
// A transport's error may panic when it is asked, as a nil pointer of an error type
// does that was returned for "no error". The call must not fail by our asking.
func classifyError(err error, p phase, expired, gaveUp bool, m *marks) (kind string, timedOut bool) {
	defer func() {
		if recover() != nil {
			kind, timedOut = entry.ErrorOther, false
		}
	}()
	var (
		dnsErr  *net.DNSError
		certErr *tls.CertificateVerificationError
	)
	switch {
	case is(err, errnoRefused):
		return entry.ErrorRefused, false
	case is(err, errnoUnreachable):
		return entry.ErrorUnreachable, false
	case errors.As(err, &certErr):
		return entry.ErrorTLS, false
	}
	if expired {
		return timeoutKind(p), true
	}
	if gaveUp {
		return entry.ErrorCanceled, false
	}
	switch {
	case errors.As(err, &dnsErr):
		return entry.ErrorDNS, dnsErr.IsTimeout
	case isTimeout(err):
		return timeoutKind(p), true
	case errors.Is(err, context.Canceled):
		return entry.ErrorCanceled, false // a context of the base's own
	case isTLS(err):
		return entry.ErrorTLS, false
	case is(err, errnoReset):
		return entry.ErrorReset, false
	case p == phaseTLS:
		return entry.ErrorTLS, false
	case isStreamReset(err):
		return entry.ErrorReset, false
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return entry.ErrorUnexpectedEOF, false
	case isProtocol(err):
		return entry.ErrorProtocol, false
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return entry.ErrorReset, false
	}
	// net/http's own errors for these have no type.
	switch {
	case p == phaseHeaders, p == phaseBody:
		return entry.ErrorProtocol, false // bytes came, and nothing could be made of them
	case m.reused && (p == phaseSend || p == phaseWait):
		return entry.ErrorReset, false // an idle connection that the server had closed
	}
	return entry.ErrorOther, false
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

func timeoutKind(p phase) string {
	switch p {
	case phaseDNS:
		return entry.ErrorDNS
	case phaseConnect:
		return entry.ErrorConnectTimeout
	case phaseTLS:
		return entry.ErrorTLS
	case phaseWait, phaseHeaders:
		return entry.ErrorHeaderTimeout
	case phaseBody:
		return entry.ErrorBodyTimeout
	}
	return entry.ErrorTimeout
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
