package conformance

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// text writes s, whatever becomes of it.
func text(w io.Writer, s string) { _, _ = io.WriteString(w, s) }

func responseCases() []Case {
	// compared runs h with and without the middleware and compares what a client gets.
	compared := func(name, reason, method string, h http.HandlerFunc) Case {
		return Case{Name: name, Reason: reason, check: func(c *checker) {
			got, want := c.serve(h), c.bare(h)
			c.same(got.send(got.newRequest(method, "/", nil)), want.send(want.newRequest(method, "/", nil)))
		}}
	}
	return []Case{
		compared("NothingWritten", "A handler that writes nothing has answered 200 with an empty body.", "GET",
			func(http.ResponseWriter, *http.Request) {}),
		compared("HeadersOnly", "Headers set without a write go out with the 200 that the server sends.", "GET",
			func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-One", "1") }),
		compared("ImpliedOK", "The first Write sends 200; what is set afterwards is too late.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				text(w, "one")
				w.Header().Set("X-Late", "1")
				w.WriteHeader(http.StatusTeapot)
			}),
		compared("EmptyWrite", "A Write of nothing sends the header as any other.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(nil)
				w.WriteHeader(http.StatusTeapot)
			}),
		compared("FirstStatusStands", "A second WriteHeader does not change what the client got.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				w.WriteHeader(http.StatusOK)
				text(w, "gone")
			}),
		compared("Sniffing", "The server derives Content-Type from the first bytes; a buffer or an early write changes them.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				text(w, "<html>")
				text(w, "<p>한글</p>")
			}),
		compared("NoSniffing", "A nil Content-Type switches sniffing off.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				text(w, "<html>")
			}),
		compared("SmallGetsContentLength", "A small unflushed answer gets a Content-Length from the server; a flush of the middleware's own makes it chunked.", "GET",
			func(w http.ResponseWriter, _ *http.Request) { text(w, "small") }),
		compared("LargeIsWhole", "Bodies above all buffers arrive whole.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				for i := range 2000 {
					fmt.Fprintf(w, "%0512d", i)
				}
			}),
		compared("CompressedIsUntouched", "A body with a Content-Encoding is bytes like any other.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Type", "application/json")
				text(w, "\x1f\x8b\x08 not really gzip")
			}),
		compared("HeadHasNoBody", "HEAD announces the length that GET would have, and sends no body.", "HEAD",
			func(w http.ResponseWriter, _ *http.Request) { text(w, "small") }),
		compared("ManyCookies", "A header that is set several times stays several.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Add("Set-Cookie", "a=1")
				w.Header().Add("Set-Cookie", "b=2")
			}),
		compared("HostileHeader", "The server makes line breaks in a header's value harmless; a value written out by somebody else is not.", "GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Split", "a\r\nX-Injected: 1")
				text(w, "ok")
			}),
		{
			Name:   "BodyNotAllowed",
			Reason: "204 and 304 have no body, and Write says so: a handler may rely on http.ErrBodyNotAllowed.",
			check: func(c *checker) {
				for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
					errs := make(chan error, 1)
					s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
						w.WriteHeader(status)
						_, err := io.WriteString(w, "body")
						errs <- err
					})
					got := s.get("/")
					if got.StatusCode != status || got.body != "" {
						c.Errorf("got %d %q, want %d and no body", got.StatusCode, got.body, status)
					}
					if err := await(c, errs, "the handler's error"); !errors.Is(err, http.ErrBodyNotAllowed) {
						c.Errorf("Write after %d returned %v, want http.ErrBodyNotAllowed", status, err)
					}
				}
			},
		},
		{
			Name:   "ContentLengthIsKept",
			Reason: "Writing more than the announced Content-Length is http.ErrContentLength, and what was announced arrives.",
			over:   onlyHTTP1, // HTTP/2 finds out later
			check: func(c *checker) {
				errs := make(chan error, 1)
				s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", "3")
					text(w, "abc")
					_, err := io.WriteString(w, "d")
					errs <- err
				})
				if got := s.get("/"); got.body != "abc" || got.ContentLength != 3 {
					c.Errorf("got %q with length %d", got.body, got.ContentLength)
				}
				if err := await(c, errs, "the handler's error"); !errors.Is(err, http.ErrContentLength) {
					c.Errorf("the write too many returned %v, want http.ErrContentLength", err)
				}
			},
		},
		{
			Name:   "BytesWritten",
			Reason: "Write returns how many bytes were taken; io.Copy stops with an error where it is wrong.",
			check: func(c *checker) {
				ns := make(chan int, 2)
				s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
					n, _ := w.Write([]byte("four"))
					ns <- n
					n, _ = io.WriteString(w, "three")
					ns <- n
				})
				s.get("/")
				if a, b := await(c, ns, "n"), await(c, ns, "n"); a != 4 || b != 5 {
					c.Errorf("wrote %d and %d bytes, want 4 and 5", a, b)
				}
			},
		},
		{
			Name:   "InvalidStatusPanics",
			Reason: "WriteHeader(0) panics in net/http; swallowed, a bug turns into a 200.",
			check: func(c *checker) {
				for _, status := range []int{0, 99, 1000, -1} {
					panicked := make(chan bool, 1)
					s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
						func() {
							defer func() { panicked <- recover() != nil }()
							w.WriteHeader(status)
						}()
						w.WriteHeader(http.StatusAccepted)
					})
					got := s.get("/")
					if !await(c, panicked, "WriteHeader") {
						c.Errorf("WriteHeader(%d) did not panic", status)
					}
					if got.StatusCode != http.StatusAccepted {
						c.Errorf("after WriteHeader(%d) the status is %d, want 202", status, got.StatusCode)
					}
				}
			},
		},
		{
			Name:   "Trailers",
			Reason: "Trailers are set after the body, announced or by http.TrailerPrefix: gRPC's status is one.",
			check: func(c *checker) {
				h := func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Trailer", "X-Sum")
					text(w, "body")
					w.(http.Flusher).Flush()
					w.Header().Set("X-Sum", "42")
					w.Header().Set(http.TrailerPrefix+"X-Unannounced", "43")
				}
				got := c.serve(h).get("/")
				if got.Trailer.Get("X-Sum") != "42" || got.Trailer.Get("X-Unannounced") != "43" {
					c.Errorf("trailers are %v, want X-Sum 42 and X-Unannounced 43", got.Trailer)
				}
			},
		},
		{
			Name:   "HeaderMapIsTheServers",
			Reason: "Header returns one map for the whole exchange, in which a handler finds what was set before it.",
			check: func(c *checker) {
				found := make(chan string, 1)
				inner := c.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					found <- w.Header().Get("X-Before")
					w.Header().Del("X-Before")
					w.Header().Set("X-After", "1")
				}))
				s := c.serveHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Before", "1")
					inner.ServeHTTP(w, r)
				}))
				got := s.get("/")
				if v := await(c, found, "the header"); v != "1" {
					c.Errorf("the handler does not see the header that was set before it")
				}
				if got.Header.Get("X-Before") != "" || got.Header.Get("X-After") != "1" {
					c.Errorf("the client got %v", got.Header)
				}
			},
		},
		{
			Name:   "HTTP10",
			Reason: "An HTTP/1.0 client gets no chunks, and the connection's end as the body's.",
			over:   onlyHTTP1,
			check: func(c *checker) {
				h := func(w http.ResponseWriter, _ *http.Request) {
					text(w, "one,")
					w.(http.Flusher).Flush()
					text(w, "two")
				}
				read := func(s *server) string {
					_, br := s.dial("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
					b, err := io.ReadAll(br)
					c.must(err)
					_, body, _ := strings.Cut(string(b), "\r\n\r\n")
					return strings.Fields(string(b))[1] + " " + body
				}
				if got, want := read(c.serve(h)), read(c.bare(h)); got != want {
					c.Errorf("got %q, without the middleware %q", got, want)
				}
			},
		},
	}
}
