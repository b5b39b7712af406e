package conformance

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

func compositionCases() []Case {
	return []Case{{
		Name:   "ReverseProxy",
		Reason: "httputil.ReverseProxy inside streams both ways, copies trailers, and upgrades connections.",
		check: func(c *checker) {
			backend := (&checker{reporter: c.reporter, reason: c.reason, proto: http1, patience: c.patience}).bare(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Upgrade") != "" {
					conn, rw, err := w.(http.Hijacker).Hijack()
					if err != nil {
						return
					}
					defer conn.Close()
					text(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
					_ = rw.Flush()
					line, _ := rw.ReadString('\n')
					text(rw, "echo "+line)
					_ = rw.Flush()
					return
				}
				w.Header().Set("Trailer", "X-Sum")
				b, _ := io.ReadAll(r.Body)
				_, _ = w.Write(b)
				w.Header().Set("X-Sum", "42")
			})
			target, err := url.Parse(backend.URL)
			c.must(err)
			s := c.serve((&httputil.ReverseProxy{
				Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
				ErrorLog: log.New(io.Discard, "", 0),
			}).ServeHTTP)
			body := strings.Repeat("0123456789", 10000)
			if got := s.post(body); got.body != body || got.Trailer.Get("X-Sum") != "42" {
				c.Errorf("got %d bytes of %d, trailers %v", len(got.body), len(body), got.Trailer)
			}
			if c.proto != http1 {
				return
			}
			conn, br := s.dial("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			res, err := http.ReadResponse(br, nil)
			c.must(err)
			if res.StatusCode != http.StatusSwitchingProtocols {
				c.Fatalf("the upgrade got %d", res.StatusCode)
			}
			text(conn, "hello\n")
			if line, err := br.ReadString('\n'); line != "echo hello\n" {
				c.Errorf("over the upgraded connection got %q, error %v", line, err)
			}
		},
	}, {
		Name:   "TimeoutHandler",
		Reason: "http.TimeoutHandler, inside or outside, answers 503 while the handler still runs and writes.",
		check: func(c *checker) {
			for _, inside := range []bool{true, false} {
				late := make(chan error, 1)
				slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					select {
					case <-r.Context().Done():
					case <-time.After(c.patience):
					}
					_, _ = io.ReadAll(r.Body)
					for end := time.Now().Add(c.patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
						if _, err := w.Write([]byte("late")); err != nil {
							late <- err
							return
						}
					}
					late <- nil
				})
				var s *server
				if inside {
					s = c.serve(http.TimeoutHandler(slow, 20*time.Millisecond, "timed out").ServeHTTP)
				} else {
					s = c.serveHandler(http.TimeoutHandler(c.wrap(slow), 20*time.Millisecond, "timed out"))
				}
				if got := s.post("body"); got.StatusCode != http.StatusServiceUnavailable || got.body != "timed out" {
					c.Errorf("inside %t: got %d %q, want 503", inside, got.StatusCode, got.body)
				}
				if err := await(c, late, "the late write"); err != http.ErrHandlerTimeout { // identical
					c.Errorf("inside %t: the late write returned %v, want http.ErrHandlerTimeout", inside, err)
				}
			}
		},
	}, {
		Name:   "StripPrefix",
		Reason: "Handlers inside may clone the request; it goes on as theirs.",
		check: func(c *checker) {
			s := c.serve(http.StripPrefix("/api", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				text(w, r.URL.Path+" "+string(b))
			})).ServeHTTP)
			if got := s.send(s.newRequest("POST", "/api/x", strings.NewReader("body"))); got.body != "/x body" {
				c.Errorf("got %q", got.body)
			}
		},
	}}
}
