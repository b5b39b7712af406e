package middleware

import (
	"bufio"
	"net"
	"net/http"
)

// Unwrap is what [http.ResponseController] reaches deadlines and full duplex by.
//
// A writer further out may have no interfaces of its own, and be one that is
// unwrapped. Then so are we, who must not have what it has not: a flush and a hijack
// would pass us by, with the ID not in the headers and the connection's life in an entry
// that says 200. What is returned in that case is the inner writer with those two that
// are found further in.
func (w *writer) Unwrap() http.ResponseWriter {
	inner := w.w
	flush, hijack := further(inner) // one may flush by FlushError alone, without an Unwrap
	if _, ok := inner.(http.Flusher); ok {
		flush = false // ours is found before
	}
	if _, ok := inner.(http.Hijacker); ok {
		hijack = false
	}
	switch {
	case flush && hijack:
		return throughFH{throughF{through{w}}}
	case flush:
		return throughF{through{w}}
	case hijack:
		return throughH{through{w}}
	}
	return inner
}

type unwrapper interface{ Unwrap() http.ResponseWriter }

// maxWrapped bounds how many writers are unwrapped: one may unwrap to itself.
const maxWrapped = 100

// further reports what [http.ResponseController] finds in w or within.
func further(w http.ResponseWriter) (flush, hijack bool) {
	for range maxWrapped {
		switch w.(type) {
		case flushErrorer, http.Flusher:
			flush = true
		}
		if _, ok := w.(http.Hijacker); ok {
			hijack = true
		}
		u, ok := w.(unwrapper)
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	return flush, hijack
}

// through is a writer as what it unwraps to.
type (
	through   struct{ *writer }
	throughF  struct{ through }
	throughH  struct{ through }
	throughFH struct{ throughF }
)

// Unwrap returns the inner writer.
func (t through) Unwrap() http.ResponseWriter { return t.w }

// Flush implements [http.Flusher].
func (t throughF) Flush() { _ = t.flush() }

// FlushError is what [http.ResponseController] calls.
func (t throughF) FlushError() error { return t.flush() }

// Hijack implements [http.Hijacker].

func (t throughH) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return t.hijack() }
func (t throughFH) Hijack() (net.Conn, *bufio.ReadWriter, error) { return t.hijack() }
