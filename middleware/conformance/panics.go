package conformance

import (
	"errors"
	"io"
	"net/http"
	"runtime"
)

func panicCases() []Case {
	return []Case{{
		Name:   "PanicIsIdentical",
		Reason: "Whoever recovers outside (a server, Sentry, a test) compares and prints the value: it must be the one that was thrown.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			for _, value := range []any{errors.New("an error"), "text", &struct{ n int }{1}, http.ErrAbortHandler, 42} {
				func() {
					defer func() {
						if got := recover(); got != value {
							c.Errorf("panic(%T %v) came out as %T %v", value, value, got, got)
						}
					}()
					c.direct(newPlainWriter(), http.NoBody, func(http.ResponseWriter, *http.Request) { panic(value) })
					c.Errorf("panic(%T %v) was swallowed", value, value)
				}()
			}
		},
	}, {
		Name:   "PanicNil",
		Reason: "panic(nil) is a panic.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			func() {
				defer func() {
					var nilError *runtime.PanicNilError
					err, _ := recover().(error)
					if !errors.As(err, &nilError) {
						c.Errorf("panic(nil) came out as %v", err)
					}
				}()
				c.direct(newPlainWriter(), http.NoBody, func(http.ResponseWriter, *http.Request) {
					var nothing any
					panic(nothing)
				})
				c.Errorf("panic(nil) was swallowed")
			}()
		},
	}, {
		Name:   "Goexit",
		Reason: "runtime.Goexit, as of a test's FailNow inside a handler, runs the deferred calls and ends the goroutine: it is no panic, and no return.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			result := make(chan string, 1)
			go func() {
				what := "ended by Goexit"
				defer func() {
					if v := recover(); v != nil {
						what = "panicked"
					}
					result <- what
				}()
				c.direct(newPlainWriter(), http.NoBody, func(http.ResponseWriter, *http.Request) { runtime.Goexit() })
				what = "returned"
			}()
			if got := await(c, result, "the goroutine's end"); got != "ended by Goexit" {
				c.Errorf("the handler's goroutine %s, want it ended", got)
			}
		},
	}, {
		Name:   "PanicIsNoAnswer",
		Reason: "A handler that panics before it wrote has not answered: the client sees the connection break, never a 200.",
		check: func(c *checker) {
			for _, value := range []any{"boom", http.ErrAbortHandler} {
				s := c.serve(func(http.ResponseWriter, *http.Request) { panic(value) })
				r := s.newRequest("POST", "/", http.NoBody) // a POST is not sent again
				if res, err := s.client.Do(r); err == nil {
					res.Body.Close()
					c.Errorf("after panic(%v) the client got %d", value, res.StatusCode)
				}
			}
		},
	}, {
		Name:   "AbortIsSeen",
		Reason: "http.ErrAbortHandler breaks a response off, so that the client knows that it has not got the whole.",
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				text(w, "half")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			})
			res, err := s.client.Do(s.newRequest("POST", "/", http.NoBody))
			c.must(err)
			defer res.Body.Close()
			if b, err := io.ReadAll(res.Body); err == nil {
				c.Errorf("the client read %q to an orderly end", b)
			}
		},
	}}
}
