package middleware

import (
	"net/http"
	"reflect"
	"runtime"
)

// whereabouts looks where on its goroutine the caller is: beneath an exchange's serve,
// so that the goroutine is the one that serves the request, and there beneath a
// ServeMux, which has done then with the request that it was given.
//
// A handler's request is the handler's: a mux in between writes its Pattern, anybody may
// give it another Body. What is asked of us may be asked by a goroutine that was begun
// before that, and that shares nothing with it but the context, the body or the response
// writer. So the request's fields are looked at where its own goroutine is known to stand
// still, and nowhere else: here, and when the handler has ended. A walk takes one to two
// microseconds and sees 64 frames: how deep they are may be the client's to say. What lies
// beneath more of them, or in a mux that a profile-guided build has put into its caller,
// is not found, and less is known then.
//
// Whose serve it is the stack does not say: a goroutine that serves one part of a batch
// through the same middleware, and asks in the context of the whole, is taken for the
// whole's. It must not do so while that is being routed.
//
//go:noinline
func (p *places) whereabouts() (serving, routed bool) {
	var pcs [64]uintptr
	for _, pc := range pcs[:runtime.Callers(2, pcs[:])] {
		switch startOf(pc) {
		case p.serve:
			return true, routed
		case p.mux:
			routed = true
		}
	}
	return false, false
}

// startOf returns where the function begins that pc, a return address, lies in.
func startOf(pc uintptr) uintptr {
	if f := runtime.FuncForPC(pc - 1); f != nil {
		return f.Entry()
	}
	return 0
}

// places are where the functions begin that are looked for among callers.
type places struct{ serve, mux, bounded uintptr }

func newPlaces() places {
	return places{
		serve:   reflect.ValueOf((*exchange).serve).Pointer(),
		mux:     reflect.ValueOf((*http.ServeMux).ServeHTTP).Pointer(),
		bounded: startOfBounded(),
	}
}
