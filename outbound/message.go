package outbound

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// line is the entry's message, for people: what was called, what came of it, how
// long it took. The query is left out; it is in the URL.
func line(h *entry.HTTP, f failure, took time.Duration) string {
	b := make([]byte, 0, 256) // on the stack, but for long URLs
	b = append(b, h.Method...)
	b = append(b, ' ')
	b = append(b, plainURL(h.URL)...)
	if h.Status != 0 {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(h.Status), 10)
		if f.kind != "" {
			b = append(b, ", then"...)
		}
	}
	if f.kind == "" {
		b = append(b, " ("...)
		b = appendDuration(b, took)
		b = append(b, ')')
		return string(b)
	}
	f.took = took
	b = append(b, ' ')
	return string(f.append(b))
}

// plainURL takes query, fragment and user info off a URL.
func plainURL(u string) string {
	if i := strings.IndexAny(u, "?#"); i >= 0 {
		u = u[:i]
	}
	scheme := strings.Index(u, "://")
	if scheme < 0 {
		return u
	}
	rest := u[scheme+3:]
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		return u[:scheme+3] + rest[at+1:]
	}
	return u
}

// append adds what went wrong, with how long it took: "timed out after 1.5 s
// waiting for response headers".
func (f *failure) append(b []byte) []byte {
	switch {
	case f.timedOut:
		b = append(b, "timed out after "...)
		b = appendDuration(b, f.took)
		b = append(b, ' ')
		return append(b, f.phase.String()...)
	case f.kind == entry.ErrorCanceled:
		b = append(b, "canceled after "...)
		b = appendDuration(b, f.took)
		b = append(b, ' ')
		return append(b, f.phase.String()...)
	}
	b = append(b, "failed: "...)
	b = append(b, f.reason()...)
	b = append(b, " ("...)
	b = appendDuration(b, f.took)
	return append(b, ')')
}

// reason says a kind in words.
func (f *failure) reason() string {
	switch f.kind {
	case entry.ErrorDNS:
		return "the host name could not be resolved"
	case entry.ErrorRefused:
		return "connection refused"
	case entry.ErrorUnreachable:
		return "host unreachable"
	case entry.ErrorTLS:
		return "TLS handshake failed"
	case entry.ErrorReset:
		return "connection reset while " + f.phase.String()
	case entry.ErrorUnexpectedEOF:
		return "connection closed while " + f.phase.String()
	case entry.ErrorRedirect:
		return "redirect not followed"
	case entry.ErrorRequestBody:
		return "the body to be sent could not be read"
	case entry.ErrorProtocol:
		return "the answer is not valid HTTP"
	}
	return "error while " + f.phase.String()
}

// message is the error's own message: which limit, where one was exceeded, and
// the words of the error.
func (f *failure) message(err error) string {
	var b []byte
	if f.timedOut {
		b = append(b, "timed out "...)
		b = append(b, f.phase.String()...)
		if f.limitName != "" {
			b = append(b, " ("...)
			b = append(b, f.limitName...)
			if f.limit > 0 {
				b = append(b, " of "...)
				b = appendDuration(b, f.limit)
			}
			b = append(b, ')')
		}
	} else {
		if f.kind == entry.ErrorCanceled {
			b = append(b, "canceled while "...)
			b = append(b, f.phase.String()...)
		} else {
			b = append(b, f.reason()...)
		}
	}
	if err != nil {
		b = append(b, ": "...)
		b = fmt.Append(b, err) // catches a panic of its Error
	}
	return string(b)
}

// appendDuration writes a duration for people: "85 µs", "12 ms", "1.5 s", "2 min 5 s".
func appendDuration(b []byte, d time.Duration) []byte {
	switch {
	case d < time.Millisecond:
		b = strconv.AppendInt(b, max(d.Microseconds(), 0), 10)
		return append(b, " µs"...)
	case d < 10*time.Millisecond:
		return append(appendTenths(b, d, time.Millisecond), " ms"...)
	case d < time.Second-500*time.Microsecond:
		b = strconv.AppendInt(b, d.Round(time.Millisecond).Milliseconds(), 10)
		return append(b, " ms"...)
	case d < time.Minute-50*time.Millisecond:
		return append(appendTenths(b, d, time.Second), " s"...)
	}
	d = d.Round(time.Second)
	b = strconv.AppendInt(b, int64(d/time.Minute), 10)
	b = append(b, " min"...)
	if s := d % time.Minute / time.Second; s > 0 {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(s), 10)
		b = append(b, " s"...)
	}
	return b
}

// appendTenths writes d in units with one decimal, none where it is zero.
func appendTenths(b []byte, d, unit time.Duration) []byte {
	t := int64((d + unit/20) / (unit / 10))
	b = strconv.AppendInt(b, t/10, 10)
	if t%10 != 0 {
		b = append(b, '.')
		b = strconv.AppendInt(b, t%10, 10)
	}
	return b
}
