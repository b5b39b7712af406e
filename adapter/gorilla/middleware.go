package gorillatx

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/txtrail/txtrail/middleware"
)

// Middleware is a [mux.MiddlewareFunc] for [mux.Router.Use]: it sets the route of
// the exchange to the path template of the route that matched: "/items/{id}", in
// subrouters with the prefix. A route without a path, by host alone say, has its name
// for a template, if it has one. A panic is noted and goes on with the identical value.
//
// Without an exchange in the request's context it does nothing.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route := mux.CurrentRoute(r); route != nil {
			template, err := route.GetPathTemplate()
			if err != nil {
				template = route.GetName()
			}
			middleware.SetRoute(r.Context(), template)
		}
		defer func() {
			if v := recover(); v != nil {
				middleware.SetPanic(r.Context(), v, nil)
				panic(v)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
