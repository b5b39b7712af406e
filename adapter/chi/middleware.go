package chitx

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// Middleware is for [chi.Router.Use]: it sets the route of the exchange to the
// pattern that matched, as [chi.Context.RoutePattern] has it: "/items/{id}", in
// mounted routers with the prefix. A request that no handler matched gets the part
// that did match, "/api/*" say, or none. A panic is noted and goes on with the
// identical value.
//
// Without an exchange in the request's context it does nothing.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope, ok := txid.FromContext(r.Context())
		rctx := chi.RouteContext(r.Context())
		if !ok || scope.Recorder == nil || rctx == nil {
			next.ServeHTTP(w, r)
			return
		}
		// chi knows the route when it has called the handler. On a scenario's first
		// hop that is too late: the calls made by the handler carry the route as the
		// page by which the user came in. So it is looked up there, and only there.
		if scope.Origin == txid.OriginMinted {
			scope.Recorder.SetRoute(find(rctx, r))
		}
		defer func() {
			scope.Recorder.SetRoute(rctx.RoutePattern())
			if v := recover(); v != nil {
				middleware.SetPanic(r.Context(), v, nil)
				panic(v)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// find asks the router what it will find. Middlewares further in may still change
// the path; what has matched in the end overrules it.
func find(rctx *chi.Context, r *http.Request) string {
	if rctx.Routes == nil {
		return ""
	}
	method, path := rctx.RouteMethod, rctx.RoutePath
	if method == "" {
		method = r.Method
	}
	if path == "" {
		if path = r.URL.RawPath; path == "" {
			path = r.URL.Path
		}
	}
	// In a context of its own: what is found would otherwise stay in this one.
	return rctx.Routes.Find(chi.NewRouteContext(), method, path)
}
