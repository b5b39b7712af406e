package conformance

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func requestBodyCases() []Case {
	return []Case{{
		Name:   "NoBodyIsNoBody",
		Reason: "Handlers and proxies compare the body with http.NoBody, and with nil where they were called directly.",
		check: func(c *checker) {
			none := make(chan bool, 2)
			h := func(_ http.ResponseWriter, r *http.Request) { none <- r.Body == http.NoBody }
			c.serve(h).get("/")
			c.bare(h).get("/")
			if got, want := await(c, none, "the handler"), await(c, none, "the handler"); got != want {
				c.Errorf("the body of a GET is http.NoBody: %t, without the middleware %t", got, want)
			}
			var isNil bool
			c.direct(newPlainWriter(), nil, func(_ http.ResponseWriter, r *http.Request) { isNil = r.Body == nil })
			if !isNil {
				c.Errorf("a nil body is not nil any more")
			}
		},
	}, {
		Name:   "ServersRequestIsUntouched",
		Reason: "The server looks at the type of the Body of its own request. Only a copy of the request may get another one.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			body := io.NopCloser(strings.NewReader("body"))
			var outer *http.Request
			h := c.wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if outer.Body != body {
					c.Errorf("while the handler runs, the server's request has the body %T", outer.Body)
				}
				if b, err := io.ReadAll(r.Body); string(b) != "body" || err != nil {
					c.Errorf("read %q, error %v", b, err)
				}
			}))
			r, err := http.NewRequestWithContext(c.Context(), "POST", "http://example.test/", nil)
			c.must(err)
			r.Body, r.ContentLength = body, 4
			outer = r
			h.ServeHTTP(newPlainWriter(), r)
			if r.Body != body {
				c.Errorf("afterwards the server's request has the body %T", r.Body)
			}
		},
	}, {
		Name:   "BodyIsWhole",
		Reason: "The handler reads what was sent, with its length and its end, whatever the size.",
		check: func(c *checker) {
			for _, size := range []int{0, 1, 4096, 1 << 20} {
				for _, chunked := range []bool{false, true} {
					type seen struct {
						n, length int64
						err       error
					}
					got := make(chan seen, 1)
					s := c.serve(func(_ http.ResponseWriter, r *http.Request) {
						n, err := io.Copy(io.Discard, r.Body)
						if _, again := r.Body.Read(make([]byte, 1)); err == nil && !errors.Is(again, io.EOF) {
							err = errors.New("reading on after the end: " + strconv.Quote(again.Error()))
						}
						got <- seen{n, r.ContentLength, err}
					})
					var body io.Reader = strings.NewReader(strings.Repeat("x", size))
					want := seen{n: int64(size), length: int64(size)}
					if chunked {
						body = struct{ io.Reader }{body}
						want.length = -1
					}
					s.send(s.newRequest("POST", "/", body))
					if g := await(c, got, "the handler"); g != want {
						c.Errorf("%d bytes, chunked %t: got %+v", size, chunked, g)
					}
				}
			}
		},
	}, {
		Name:   "UnreadIsNotDrained",
		Reason: "A handler may answer without reading. Reading for it waits for bytes that may never come, and takes what it refused.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			h := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
			ask := func(s *server) answer {
				_, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nfirst")
				return c.readAnswer(br, "POST")
			}
			c.same(ask(c.serve(h)), ask(c.bare(h)))
		},
	}, {
		Name:   "UnreadSmallKeepsTheConnection",
		Reason: "The server reads on over a small body that the handler left, and keeps the connection.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) { text(w, r.URL.Path) })
			conn, br := s.dial("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
			if got := c.readAnswer(br, "POST"); got.body != "/1" {
				c.Fatalf("got %q", got.body)
			}
			text(conn, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
			if got := c.readAnswer(br, "GET"); got.body != "/2" {
				c.Errorf("the second request got %q", got.body)
			}
		},
	}, {
		Name:   "TruncatedIsAnError",
		Reason: "A body that ends before its length is io.ErrUnexpectedEOF: half a body must not pass for a whole one.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			errs := make(chan error, 1)
			s := c.serve(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				errs <- err
			})
			conn, _ := s.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
			_ = conn.Close()
			if err := await(c, errs, "the handler"); !errors.Is(err, io.ErrUnexpectedEOF) {
				c.Errorf("the handler read %v, want io.ErrUnexpectedEOF", err)
			}
		},
	}, {
		Name:   "ReadDeadline",
		Reason: "A read deadline set by the handler ends a read from a slow client.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			errs := make(chan error, 1)
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
					errs <- err
					return
				}
				_, err := io.ReadAll(r.Body)
				errs <- err
			})
			s.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
			if err := await(c, errs, "the handler"); !errors.Is(err, os.ErrDeadlineExceeded) {
				c.Errorf("the handler read %v, want the deadline's error", err)
			}
		},
	}, {
		Name:   "ReadAfterReturn",
		Reason: "A goroutine that goes on reading after the handler returned gets an error; it must not get another request's bytes, nor bring the process down.",
		check: func(c *checker) {
			returned, errs := make(chan struct{}), make(chan error, 1)
			s := c.serve(func(_ http.ResponseWriter, r *http.Request) {
				body := r.Body
				go func() {
					<-returned
					_, err := io.ReadAll(body)
					errs <- err
				}()
			})
			// Large enough that no buffer of the server's holds all of it.
			r := s.newRequest("POST", "/", strings.NewReader(strings.Repeat("x", 8<<20)))
			if res, err := s.client.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			close(returned)
			if await(c, errs, "the late read") == nil {
				c.Errorf("the late read got the whole body")
			}
		},
	}, {
		Name:   "RequestTrailers",
		Reason: "Trailers are on the handler's request once its body was read to the end, announced or, in HTTP/1.1, not.",
		check: func(c *checker) {
			got := make(chan http.Header, 1)
			s := c.serve(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				got <- r.Trailer
			})
			r := s.newRequest("POST", "/", struct{ io.Reader }{strings.NewReader("body")})
			r.Trailer = http.Header{"X-Sum": {"42"}}
			s.send(r)
			if h := await(c, got, "the handler"); h.Get("X-Sum") != "42" {
				c.Errorf("trailers are %v, want X-Sum 42", h)
			}
			if c.proto != http1 {
				return
			}
			_, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 43\r\n\r\n")
			c.readAnswer(br, "POST")
			if h := await(c, got, "the handler"); h.Get("X-Sum") != "43" {
				c.Errorf("unannounced trailers are %v, want X-Sum 43", h)
			}
		},
	}}
}
