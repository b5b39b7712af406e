package middleware

import (
	"net/http"
	"reflect"
	"runtime"
	"slices"
)

// A reader made by [http.MaxBytesReader] tells its response writer when the limit
// is passed, so that the server closes the connection instead of reading the rest.
// It does so by an unexported method, which no wrapper can have. What the server
// would have done is done here instead: Connection: close, where the headers have
// not been sent yet.

// limit is what the last Read says of such a reader's limit.
type limit uint8

const (
	limitKept   limit = iota
	limitAsk          // it may have been passed, in the request's own goroutine
	limitPassed       // for sure
)

// overLimit reports whether the handler has passed such a limit and is about to answer.
// The lock is held.
func (ex *exchange) overLimit() bool {
	if ex.req.ProtoMajor != 1 || ex.reader.ended || ex.reader.begun.Load() != ex.reader.over {
		return false
	}
	if ex.reader.limit != limitAsk {
		return ex.reader.limit == limitPassed
	}
	// The usual way is r.Body = http.MaxBytesReader(w, r.Body, n): that reader
	// remembers its error, and returns it for a read of nothing, without reading. It is
	// not made for two goroutines, nor is the request: both must have been used in the
	// one that asks.
	if serving, _ := ex.places.whereabouts(); !serving {
		return false
	}
	if b := ex.own.Body; b != nil && reflect.TypeOf(b) == maxBytesReader {
		_, err := b.Read(nil)
		_, over := err.(*http.MaxBytesError) //nolint:errorlint // its own
		return over
	}
	return false
}

var maxBytesReader = reflect.TypeOf(http.MaxBytesReader(nil, nil, 0))

// limitOf looks for such a reader among the callers of Read. It is asked only when a read
// filled its buffer, as that reader's does on the way over its limit: a buffer that has
// been cut short, or one of a byte more than the limit. Limits are even numbers, as people
// choose them; and a handler that has read bare a few times will not begin to limit it.
// The lock is held.
//
//go:noinline
func (ex *exchange) limitOf(cut bool) limit {
	const few = 8
	if ex.reader.bare == few || !cut && !ex.reader.odd || ex.req.ProtoMajor != 1 {
		return limitKept
	}
	var pcs [4]uintptr
	n := runtime.Callers(3, pcs[:])
	at := slices.IndexFunc(pcs[:n], func(pc uintptr) bool { return startOf(pc) == ex.places.bounded })
	if at < 0 {
		ex.reader.bare++
		return limitKept
	}
	if cut && at == 0 && readsWhole() {
		return limitPassed
	}
	if serving, _ := ex.places.whereabouts(); serving {
		return limitAsk
	}
	return limitKept
}

// readsWhole reports whether the limited reader's caller is one of those that give whole
// buffers to be read into. It was then the limited reader that cut it short, to one byte
// more than may come; anybody else may want only a part of a buffer.
//
//go:noinline
func readsWhole() bool {
	var pcs [2]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(5, pcs[:])])
	f, _ := frames.Next()
	switch f.Function {
	case "io.ReadAll", "io.discard.ReadFrom", "bufio.(*Reader).fill", "bufio.(*Writer).ReadFrom",
		"bytes.(*Buffer).ReadFrom", "encoding/json.(*Decoder).refill":
		return true
	case "io.copyBuffer":
		f, _ = frames.Next()
		return f.Function == "io.Copy"
	}
	return false
}
