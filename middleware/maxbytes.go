package middleware

import (
	"net/http"
	"reflect"
	"runtime"
	"strings"
)

// A reader made by [http.MaxBytesReader] tells its response writer when the limit
// is passed, so that the server closes the connection instead of reading the rest.
// It does so by an unexported method, which no wrapper can have. What the server
// would have done is done here instead: Connection: close, where the headers have
// not been sent yet.

// overLimit reports whether the handler passed such a limit and is about to answer.
// The lock is held.
func (ex *exchange) overLimit(status int) bool {
	if ex.req.ProtoMajor != 1 || ex.reader.ended || ex.reader.begun.Load() != ex.reader.over {
		return false
	}
	if ex.reader.tooMuch && status >= 400 {
		return true
	}
	// On the way over its limit it has filled the buffer that it read into; and an
	// answer that is no error may come while another goroutine goes on reading, with
	// which it must not be shared.
	if !ex.reader.filled || !ex.reader.tooMuch && status < 400 {
		return false
	}
	// The usual way is r.Body = http.MaxBytesReader(w, r.Body, n): that reader
	// remembers its error, and returns it for a read of nothing, without reading.
	if b := ex.own.Body; b != nil && reflect.TypeOf(b) == maxBytesReader {
		_, err := b.Read(nil)
		_, over := err.(*http.MaxBytesError) //nolint:errorlint // its own
		return over
	}
	return false
}

var maxBytesReader = reflect.TypeOf(http.MaxBytesReader(nil, nil, 0))

// calledByMaxBytesReader looks for such a reader among the callers. It is asked
// only when a read filled a buffer that had been cut short, as that reader does it
// on the way over its limit.
func calledByMaxBytesReader() bool {
	var pc [1]uintptr
	if runtime.Callers(3, pc[:]) == 0 {
		return false
	}
	f, _ := runtime.CallersFrames(pc[:]).Next()
	return strings.HasPrefix(f.Function, "net/http.(*maxBytesReader).")
}
