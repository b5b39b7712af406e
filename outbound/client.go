package outbound

import (
	"net"
	"net/http"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// NewClient returns a client with connections of its own, otherwise set up like
// [http.DefaultTransport], and the three limits of opts: a call to a dead host or
// a silent server fails instead of hanging. The whole call has none: give the
// context a deadline, or set Client.Timeout, or the entry says that there was
// none. nil opts mean the defaults.
func NewClient(q *sink.Queue, opts *Options) (*http.Client, error) {
	t, own, err := newTransport(nil, q, opts)
	if err != nil {
		return nil, err
	}
	if base, ok := t.base.(*http.Transport); ok {
		t.base = withLimits(base, &t.opts, own)
	}
	t.follows = true
	return &http.Client{Transport: t, CheckRedirect: t.recordRedirects(nil)}, nil
}

// Wrap returns a copy of c whose calls are recorded. Jar, Timeout and
// CheckRedirect are kept; CheckRedirect is wrapped to record redirects that are
// not followed, and nil keeps net/http's limit of 10. nil means a client like
// [http.DefaultClient]. c itself is not changed.
//
// Where c's transport is an [http.Transport] that lacks one of the three limits
// of opts, Wrap takes a clone of it and sets what is missing; what is set already
// is kept, and so is a DialContext of the user's own. A clone has its own idle
// connections, its own count for MaxConnsPerHost, and does not take over what was
// added by RegisterProtocol. To keep the very transport, with its connections,
// set the limits there or make those of opts negative. A transport of another type
// is used as it is.
func Wrap(c *http.Client, q *sink.Queue, opts *Options) (*http.Client, error) {
	if c == nil {
		c = &http.Client{}
	}
	t, own, err := newTransport(c.Transport, q, opts)
	if err != nil {
		return nil, err
	}
	if base, ok := t.base.(*http.Transport); ok {
		t.base = withLimits(base, &t.opts, own)
	}
	t.follows = true
	w := *c
	w.Transport = t
	w.CheckRedirect = t.recordRedirects(c.CheckRedirect)
	return &w, nil
}

// withLimits returns tr if it has all limits that o asks for, else a clone with
// those that it lacks; if it is ours alone, itself with exactly those of o.
func withLimits(tr *http.Transport, o *Options, ours bool) *http.Transport {
	dial := tr.DialContext == nil && tr.Dial == nil && o.DialTimeout > 0 //nolint:staticcheck // Dial is deprecated, and a user's Dial is kept all the same
	tls := tr.TLSHandshakeTimeout == 0 && o.TLSTimeout > 0
	header := tr.ResponseHeaderTimeout == 0 && o.HeaderTimeout > 0
	switch {
	case ours:
		dial, tls, header = true, true, true
	case !dial && !tls && !header:
		return tr
	default:
		own := tr
		tr = own.Clone() // from here on own knows whether it speaks HTTP/2
		if dial && own.TLSNextProto["h2"] != nil {
			// net/http tries HTTP/2 by itself only without a dialer of ours.
			tr.ForceAttemptHTTP2 = true
		}
	}
	if dial {
		// 30 s between keep-alive probes, as http.DefaultTransport's dialer.
		tr.DialContext = (&net.Dialer{Timeout: o.DialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if tls {
		tr.TLSHandshakeTimeout = o.TLSTimeout
	}
	if header {
		tr.ResponseHeaderTimeout = o.HeaderTimeout
	}
	return tr
}
