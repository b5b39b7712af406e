package middleware

import (
	"io"
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

// limit is what is known of such a reader's limit.
type limit uint8

const (
	limitKept limit = iota // or nothing is known
	limitAsk               // the last Read may have passed it, in the request's own goroutine
	// limitPassed stays: a Read has passed it. Whether its reader was given our response
	// writer is not known: it may be another one, or none, which closes nothing.
	limitPassed
)

// overLimit reports whether the handler has passed such a limit and is about to answer.
// The lock is held.
func (ex *exchange) overLimit() bool {
	if ex.reader.limit != limitAsk {
		return ex.reader.limit == limitPassed
	}
	if ex.reader.begun.Load() != ex.reader.over {
		return false
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

// limitOf looks for such a reader among the callers of a Read that filled a buffer which
// somebody had cut short. That reader does so once, on the way over its limit: to one
// byte more than may come. A buffer that happens to be no longer than that is not seen
// to be cut.
//
// A parser may read a large body in thousands of small pieces of its buffer, and a look
// takes longer than such a Read. So the callers further up are looked at a few times
// only, and there is an end to all looking. The lock is held.
//
//go:noinline
func (ex *exchange) limitOf() limit {
	const few, most = 8, 100
	if ex.reader.looks == most || ex.req.ProtoMajor != 1 {
		return limitKept
	}
	var pcs [8]uintptr
	callers := pcs[:runtime.Callers(3, pcs[:])]
	at := slices.IndexFunc(callers, func(pc uintptr) bool { return startOf(pc) == ex.places.bounded })
	if at == 0 && givenWhole(callers[1:]) {
		return limitPassed
	}
	ex.reader.looks++
	if at < 0 || ex.reader.looks > few {
		return limitKept
	}
	if serving, _ := ex.places.whereabouts(); serving {
		return limitAsk
	}
	return limitKept
}

// givenWhole reports whether the buffer that a limited reader was given comes from one of
// those who give all that they have to be read into. It was then a limited reader that cut
// it short; anybody else may want only a part of a buffer. The callers are the limited
// reader's; some hand on just what they were given.
func givenWhole(callers []uintptr) bool {
	for i, pc := range callers {
		switch nameOf(pc) {
		case "net/http.(*maxBytesReader).Read", "mime/multipart.(*stickyErrorReader).Read", "io.(*teeReader).Read":
			continue
		case "io.ReadAll", "io.discard.ReadFrom", "bufio.(*Reader).fill", "bufio.(*Writer).ReadFrom",
			"bufio.(*Scanner).Scan", "bytes.(*Buffer).ReadFrom", "encoding/json.(*Decoder).refill":
			return true
		case "io.copyBuffer":
			return i+1 < len(callers) && nameOf(callers[i+1]) == "io.Copy"
		}
		return false
	}
	return false
}

// nameOf returns the name of the function that pc, a return address, lies in.
func nameOf(pc uintptr) string { return runtime.FuncForPC(pc - 1).Name() }

// startOfBounded returns where the Read of such a reader begins.
func startOfBounded() uintptr {
	var c callerOfRead
	_, _ = http.MaxBytesReader(nil, &c, 1).Read(make([]byte, 1))
	return startOf(c.pc)
}

// callerOfRead is a body that notes who reads it.
type callerOfRead struct{ pc uintptr }

func (c *callerOfRead) Read([]byte) (int, error) {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	c.pc = pcs[0]
	return 0, io.EOF
}

func (c *callerOfRead) Close() error { return nil }
