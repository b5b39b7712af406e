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
// still, and nowhere else: here, and when the handler has ended. A walk takes about a
// microsecond. A mux that a profile-guided build has put into its caller is not found,
// and less is known then.
//
//go:noinline
func (p *places) whereabouts() (serving, routed bool) {
	var pcs [32]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			switch startOf(pc) {
			case p.serve:
				return true, routed
			case p.mux:
				routed = true
			}
		}
		if n < len(pcs) {
			return false, false
		}
	}
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
	p := places{
		serve: reflect.ValueOf((*exchange).serve).Pointer(),
		mux:   reflect.ValueOf((*http.ServeMux).ServeHTTP).Pointer(),
	}
	if read, ok := maxBytesReader.MethodByName("Read"); ok {
		p.bounded = read.Func.Pointer()
	}
	return p
}
