package conformance

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

func connectionCases() []Case {
	const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	// exchangeLines talks to an echo after the switch.
	exchangeLines := func(c *checker, s *server, early string) {
		conn, br := s.dial(upgrade + early)
		res, err := http.ReadResponse(br, nil)
		c.must(err)
		if res.StatusCode != http.StatusSwitchingProtocols {
			c.Fatalf("got %d, want 101", res.StatusCode)
		}
		if early != "" {
			if line, err := br.ReadString('\n'); line != "echo "+early {
				c.Fatalf("what was sent ahead came back as %q (error %v)", line, err)
			}
		}
		for _, word := range []string{"one\n", "two\n"} {
			text(conn, word)
			if line, err := br.ReadString('\n'); line != "echo "+word {
				c.Fatalf("got %q (error %v), want %q", line, err, "echo "+word)
			}
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			c.must(tcp.CloseWrite())
		}
		if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
			c.Errorf("at the end got %q, error %v", rest, err)
		}
	}
	return []Case{{
		Name:   "HijackByBuffers",
		Reason: "A handler that took the connection reads and writes by the buffers it got, in which the client's first words may already lie.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			for _, early := range []string{"", "early\n"} {
				exchangeLines(c, c.serve(func(w http.ResponseWriter, _ *http.Request) {
					conn, rw, err := w.(http.Hijacker).Hijack()
					if err != nil {
						return
					}
					defer conn.Close()
					text(rw, switching)
					_ = rw.Flush()
					for {
						line, err := rw.ReadString('\n')
						if err != nil {
							return
						}
						text(rw, "echo "+line)
						_ = rw.Flush()
					}
				}), early)
			}
		},
	}, {
		Name:   "HijackByConnection",
		Reason: "WebSocket libraries take what is buffered and go on with the connection itself; some answer 101 by WriteHeader first, and reset the buffers to the connection.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			for _, early := range []string{"", "early\n"} {
				exchangeLines(c, c.serve(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Connection", "Upgrade")
					w.Header().Set("Upgrade", "echo")
					w.WriteHeader(http.StatusSwitchingProtocols)
					conn, rw, err := http.NewResponseController(w).Hijack()
					if err != nil {
						return
					}
					defer conn.Close()
					ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
					br := bufio.NewReader(io.MultiReader(strings.NewReader(string(ahead)), conn))
					rw.Writer.Reset(conn)
					_ = rw.Writer.Flush()
					for {
						line, err := br.ReadString('\n')
						if err != nil {
							return
						}
						text(conn, "echo "+line)
					}
				}), early)
			}
		},
	}, {
		Name:   "HijackedConnectionCanDoAll",
		Reason: "Code asserts a hijacked connection for half-closing, copying by the kernel, and the descriptor.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			can := func(serve func(http.HandlerFunc) *server) map[string]bool {
				got := make(chan map[string]bool, 1)
				s := serve(func(w http.ResponseWriter, _ *http.Request) {
					conn, _, err := w.(http.Hijacker).Hijack()
					if err != nil {
						got <- nil
						return
					}
					defer conn.Close()
					has := map[string]bool{}
					_, has["CloseWrite"] = conn.(interface{ CloseWrite() error })
					_, has["io.ReaderFrom"] = conn.(io.ReaderFrom)
					_, has["io.WriterTo"] = conn.(io.WriterTo)
					_, has["SetNoDelay"] = conn.(interface{ SetNoDelay(bool) error })
					_, has["SetKeepAlive"] = conn.(interface{ SetKeepAlive(bool) error })
					_, has["SetLinger"] = conn.(interface{ SetLinger(int) error })
					_, has["SyscallConn"] = conn.(syscall.Conn)
					_, has["File"] = conn.(interface{ File() (*os.File, error) })
					got <- has
				})
				s.dial(upgrade)
				return await(c, got, "the handler")
			}
			got, want := can(c.serve), can(c.bare)
			for name := range want {
				if got[name] != want[name] {
					c.Errorf("%s: %t, without the middleware %t", name, got[name], want[name])
				}
			}
		},
	}, {
		Name:   "AfterHijack",
		Reason: "Once the connection is taken, the response writer answers http.ErrHijacked, and the handler's return does nothing to the connection.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			conns, errs := make(chan net.Conn, 1), make(chan error, 1)
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					errs <- err
					return
				}
				_, err = w.Write([]byte("late"))
				errs <- err
				conns <- conn
			})
			_, br := s.dial(upgrade)
			if err := await(c, errs, "the late write"); err != http.ErrHijacked { // identical
				c.Errorf("a write after the hijack returned %v, want http.ErrHijacked", err)
			}
			conn := await(c, conns, "the connection")
			text(conn, "still open\n")
			_ = conn.Close()
			if line, err := br.ReadString('\n'); line != "still open\n" {
				c.Errorf("got %q, error %v", line, err)
			}
		},
	}, {
		Name:   "ConnectionIsReused",
		Reason: "Requests follow one another over one connection.",
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				text(w, r.RemoteAddr)
			})
			first := s.post("one")
			for range 5 {
				if got := s.post("again"); got.body != first.body {
					c.Fatalf("another connection was opened: %s, first %s", got.body, first.body)
				}
			}
		},
	}, {
		Name:   "Pipelining",
		Reason: "Requests sent at once are answered one after the other.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) { text(w, r.URL.Path) })
			_, br := s.dial("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
			for _, want := range []string{"/1", "/2"} {
				if got := c.readAnswer(br, "GET"); got.body != want {
					c.Errorf("got %q, want %q", got.body, want)
				}
			}
		},
	}, {
		Name:   "HalfClosed",
		Reason: "A client that closes its sending side after the request still gets the answer.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			h := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				text(w, "got "+string(b))
			}
			ask := func(s *server) answer {
				conn, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
				c.must(conn.(*net.TCPConn).CloseWrite())
				return c.readAnswer(br, "POST")
			}
			c.same(ask(c.serve(h)), ask(c.bare(h)))
		},
	}, {
		Name:   "Smuggling",
		Reason: "A request with two lengths is the server's to refuse, and its answer the client's to see.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			h := func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					http.Error(w, "bad", http.StatusBadRequest)
					return
				}
				text(w, string(b))
			}
			got, want := c.serve(h), c.bare(h)
			for _, head := range []string{
				"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbodyX",
				"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
				"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
				"Transfer-Encoding: chunked\r\n\r\nZZ\r\nbody\r\n0\r\n\r\n",
				"X-Bad\x00: 1\r\n\r\n",
			} {
				ask := func(s *server) answer {
					_, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\n" + head)
					return c.readAnswer(br, "POST")
				}
				c.same(ask(got), ask(want))
			}
		},
	}}
}
