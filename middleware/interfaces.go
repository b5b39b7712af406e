package middleware

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// The optional interfaces of a response writer, as bits.
const (
	isFlusher = 1 << iota
	isHijacker
	isPusher
	isReaderFrom
	isCloseNotifier
)

// closeNotifier is [http.CloseNotifier], deprecated and still asserted without a
// check by old code.
type closeNotifier interface{ CloseNotify() <-chan bool }

// flushErrorer is what [http.ResponseController] looks for first.
type flushErrorer interface{ FlushError() error }

// wrap returns w as a value that has exactly those optional interfaces that the
// inner writer has. Code in the wild asserts for them: a Flusher where there is
// none hangs an event stream, a Hijacker that is missing refuses a WebSocket.
//
// Each combination is a type of its own that holds the one pointer and nothing
// else, so an interface takes it without an allocation. io.StringWriter does not
// count: without one, [io.WriteString] does what our WriteString does.
func (w *writer) wrap() http.ResponseWriter {
	inner := w.w
	has := 0
	if _, ok := inner.(http.Flusher); ok {
		has |= isFlusher
	}
	if _, ok := inner.(http.Hijacker); ok {
		has |= isHijacker
	}
	if _, ok := inner.(http.Pusher); ok {
		has |= isPusher
	}
	if _, ok := inner.(io.ReaderFrom); ok {
		has |= isReaderFrom
	}
	if _, ok := inner.(closeNotifier); ok {
		has |= isCloseNotifier
	}
	return w.as(has)
}

func (w *writer) as(has int) http.ResponseWriter {
	switch has {
	case isFlusher:
		return wF{w0{w}}
	case isHijacker:
		return wH{w0{w}}
	case isFlusher | isHijacker:
		return wFH{wF{w0{w}}}
	case isPusher:
		return wP{w0{w}}
	case isFlusher | isPusher:
		return wFP{wF{w0{w}}}
	case isHijacker | isPusher:
		return wHP{wH{w0{w}}}
	case isFlusher | isHijacker | isPusher:
		return wFHP{wFH{wF{w0{w}}}}
	case isReaderFrom:
		return wR{w0{w}}
	case isFlusher | isReaderFrom:
		return wFR{wF{w0{w}}}
	case isHijacker | isReaderFrom:
		return wHR{wH{w0{w}}}
	case isFlusher | isHijacker | isReaderFrom:
		return wFHR{wFH{wF{w0{w}}}}
	case isPusher | isReaderFrom:
		return wPR{wP{w0{w}}}
	case isFlusher | isPusher | isReaderFrom:
		return wFPR{wFP{wF{w0{w}}}}
	case isHijacker | isPusher | isReaderFrom:
		return wHPR{wHP{wH{w0{w}}}}
	case isFlusher | isHijacker | isPusher | isReaderFrom:
		return wFHPR{wFHP{wFH{wF{w0{w}}}}}
	case isCloseNotifier:
		return wC{w0{w}}
	case isFlusher | isCloseNotifier:
		return wFC{wF{w0{w}}}
	case isHijacker | isCloseNotifier:
		return wHC{wH{w0{w}}}
	case isFlusher | isHijacker | isCloseNotifier:
		return wFHC{wFH{wF{w0{w}}}}
	case isPusher | isCloseNotifier:
		return wPC{wP{w0{w}}}
	case isFlusher | isPusher | isCloseNotifier:
		return wFPC{wFP{wF{w0{w}}}}
	case isHijacker | isPusher | isCloseNotifier:
		return wHPC{wHP{wH{w0{w}}}}
	case isFlusher | isHijacker | isPusher | isCloseNotifier:
		return wFHPC{wFHP{wFH{wF{w0{w}}}}}
	case isReaderFrom | isCloseNotifier:
		return wRC{wR{w0{w}}}
	case isFlusher | isReaderFrom | isCloseNotifier:
		return wFRC{wFR{wF{w0{w}}}}
	case isHijacker | isReaderFrom | isCloseNotifier:
		return wHRC{wHR{wH{w0{w}}}}
	case isFlusher | isHijacker | isReaderFrom | isCloseNotifier:
		return wFHRC{wFHR{wFH{wF{w0{w}}}}}
	case isPusher | isReaderFrom | isCloseNotifier:
		return wPRC{wPR{wP{w0{w}}}}
	case isFlusher | isPusher | isReaderFrom | isCloseNotifier:
		return wFPRC{wFPR{wFP{wF{w0{w}}}}}
	case isHijacker | isPusher | isReaderFrom | isCloseNotifier:
		return wHPRC{wHPR{wHP{wH{w0{w}}}}}
	case isFlusher | isHijacker | isPusher | isReaderFrom | isCloseNotifier:
		return wFHPRC{wFHPR{wFHP{wFH{wF{w0{w}}}}}}
	}
	return w0{w}
}

// Every type embeds the one without its last letter and adds that letter's
// interface: Flusher, Hijacker, Pusher, ReaderFrom, CloseNotifier.
type (
	w0     struct{ *writer }
	wF     struct{ w0 }
	wH     struct{ w0 }
	wFH    struct{ wF }
	wP     struct{ w0 }
	wFP    struct{ wF }
	wHP    struct{ wH }
	wFHP   struct{ wFH }
	wR     struct{ w0 }
	wFR    struct{ wF }
	wHR    struct{ wH }
	wFHR   struct{ wFH }
	wPR    struct{ wP }
	wFPR   struct{ wFP }
	wHPR   struct{ wHP }
	wFHPR  struct{ wFHP }
	wC     struct{ w0 }
	wFC    struct{ wF }
	wHC    struct{ wH }
	wFHC   struct{ wFH }
	wPC    struct{ wP }
	wFPC   struct{ wFP }
	wHPC   struct{ wHP }
	wFHPC  struct{ wFHP }
	wRC    struct{ wR }
	wFRC   struct{ wFR }
	wHRC   struct{ wHR }
	wFHRC  struct{ wFHR }
	wPRC   struct{ wPR }
	wFPRC  struct{ wFPR }
	wHPRC  struct{ wHPR }
	wFHPRC struct{ wFHPR }
)

// Flush implements [http.Flusher].
func (w wF) Flush() { _ = w.flush() }

// FlushError is what [http.ResponseController] calls.
func (w wF) FlushError() error { return w.flush() }

// Hijack, Push, ReadFrom and CloseNotify implement [http.Hijacker], [http.Pusher],
// [io.ReaderFrom] and [http.CloseNotifier].

func (w wH) Hijack() (net.Conn, *bufio.ReadWriter, error)       { return w.hijack() }
func (w wFH) Hijack() (net.Conn, *bufio.ReadWriter, error)      { return w.hijack() }
func (w wP) Push(target string, opts *http.PushOptions) error   { return w.push(target, opts) }
func (w wFP) Push(target string, opts *http.PushOptions) error  { return w.push(target, opts) }
func (w wHP) Push(target string, opts *http.PushOptions) error  { return w.push(target, opts) }
func (w wFHP) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }
func (w wR) ReadFrom(src io.Reader) (int64, error)              { return w.readFrom(src) }
func (w wFR) ReadFrom(src io.Reader) (int64, error)             { return w.readFrom(src) }
func (w wHR) ReadFrom(src io.Reader) (int64, error)             { return w.readFrom(src) }
func (w wFHR) ReadFrom(src io.Reader) (int64, error)            { return w.readFrom(src) }
func (w wPR) ReadFrom(src io.Reader) (int64, error)             { return w.readFrom(src) }
func (w wFPR) ReadFrom(src io.Reader) (int64, error)            { return w.readFrom(src) }
func (w wHPR) ReadFrom(src io.Reader) (int64, error)            { return w.readFrom(src) }
func (w wFHPR) ReadFrom(src io.Reader) (int64, error)           { return w.readFrom(src) }
func (w wC) CloseNotify() <-chan bool                           { return w.closeNotify() }
func (w wFC) CloseNotify() <-chan bool                          { return w.closeNotify() }
func (w wHC) CloseNotify() <-chan bool                          { return w.closeNotify() }
func (w wFHC) CloseNotify() <-chan bool                         { return w.closeNotify() }
func (w wPC) CloseNotify() <-chan bool                          { return w.closeNotify() }
func (w wFPC) CloseNotify() <-chan bool                         { return w.closeNotify() }
func (w wHPC) CloseNotify() <-chan bool                         { return w.closeNotify() }
func (w wFHPC) CloseNotify() <-chan bool                        { return w.closeNotify() }
func (w wRC) CloseNotify() <-chan bool                          { return w.closeNotify() }
func (w wFRC) CloseNotify() <-chan bool                         { return w.closeNotify() }
func (w wHRC) CloseNotify() <-chan bool                         { return w.closeNotify() }
func (w wFHRC) CloseNotify() <-chan bool                        { return w.closeNotify() }
func (w wPRC) CloseNotify() <-chan bool                         { return w.closeNotify() }
func (w wFPRC) CloseNotify() <-chan bool                        { return w.closeNotify() }
func (w wHPRC) CloseNotify() <-chan bool                        { return w.closeNotify() }
func (w wFHPRC) CloseNotify() <-chan bool                       { return w.closeNotify() }
