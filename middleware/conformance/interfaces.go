package conformance

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// optional lists the interfaces that handlers assert a response writer to.
func optional(w http.ResponseWriter) map[string]bool {
	has := map[string]bool{}
	_, has["http.Flusher"] = w.(http.Flusher)
	_, has["FlushError"] = w.(interface{ FlushError() error })
	_, has["http.Hijacker"] = w.(http.Hijacker)
	_, has["http.Pusher"] = w.(http.Pusher)
	_, has["io.ReaderFrom"] = w.(io.ReaderFrom)
	_, has["http.CloseNotifier"] = w.(interface{ CloseNotify() <-chan bool })
	return has
}

func interfaceCases() []Case {
	return []Case{{
		Name:   "SameInterfaces",
		Reason: "Code asserts for the optional interfaces: one that is missing refuses a WebSocket, one that is there without the inner writer's fails only when it is used.",
		check: func(c *checker) {
			ask := func(serve func(http.HandlerFunc) *server) map[string]bool {
				has := make(chan map[string]bool, 1)
				serve(func(w http.ResponseWriter, _ *http.Request) { has <- optional(w) }).get("/")
				return await(c, has, "the handler")
			}
			got, want := ask(c.serve), ask(c.bare)
			for name := range want {
				if got[name] != want[name] {
					c.Errorf("%s: %t, without the middleware %t", name, got[name], want[name])
				}
			}
		},
	}, {
		Name:   "NoneInvented",
		Reason: "A writer with none of the optional interfaces must not get any: an event stream over one that can not flush has to fail at its start.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			w := newPlainWriter()
			var has map[string]bool
			c.direct(w, http.NoBody, func(w http.ResponseWriter, _ *http.Request) {
				has = optional(w)
				text(w, "ok")
			})
			for name, ok := range has {
				if ok {
					c.Errorf("%s is there, and the inner writer has none", name)
				}
			}
			if w.body.String() != "ok" {
				c.Errorf("body is %q", w.body.String())
			}
		},
	}, {
		Name:   "ResponseController",
		Reason: "http.ResponseController reaches deadlines and full duplex through Unwrap.",
		check: func(c *checker) {
			errs := make(chan error, 4)
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				rc := http.NewResponseController(w)
				errs <- rc.SetReadDeadline(time.Now().Add(c.patience))
				errs <- rc.SetWriteDeadline(time.Now().Add(c.patience))
				errs <- rc.EnableFullDuplex()
				errs <- rc.Flush()
			})
			s.get("/")
			for _, what := range []string{"SetReadDeadline", "SetWriteDeadline", "EnableFullDuplex", "Flush"} {
				if err := await(c, errs, what); err != nil {
					c.Errorf("%s: %v", what, err)
				}
			}
		},
	}, {
		Name:   "StringWriter",
		Reason: "io.WriteString and Write are two ways to the same body, in order.",
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte("a"))
				text(w, "b")
				_, _ = w.Write([]byte("c"))
			})
			if got := s.get("/"); got.body != "abc" {
				c.Errorf("body is %q, want abc", got.body)
			}
		},
	}, {
		Name:   "PushPasses",
		Reason: "A push that fails must say why; most clients forbid it, and handlers look at the error.",
		over:   []protocol{h2},
		check: func(c *checker) {
			ask := func(serve func(http.HandlerFunc) *server) error {
				errs := make(chan error, 1)
				serve(func(w http.ResponseWriter, _ *http.Request) {
					p, ok := w.(http.Pusher)
					if !ok {
						errs <- errors.New("no Pusher")
						return
					}
					errs <- p.Push("/style.css", nil)
				}).get("/")
				return await(c, errs, "the handler")
			}
			got, want := ask(c.serve), ask(c.bare)
			if (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
				c.Errorf("Push returned %v, without the middleware %v", got, want)
			}
		},
	}}
}
