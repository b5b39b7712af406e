package conformance

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
)

func informationalCases() []Case {
	return []Case{{
		Name:   "EarlyHints",
		Reason: "1xx responses are not the answer: they pass as they are, the final status follows, and nothing meant for the answer is in them.",
		check: func(c *checker) {
			h := func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</a.css>; rel=preload")
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusProcessing)
				w.Header().Del("Link")
				w.WriteHeader(http.StatusNotFound)
				text(w, "no")
			}
			type hint struct {
				code   int
				header textproto.MIMEHeader
			}
			ask := func(s *server) (answer, []hint) {
				var hints []hint
				r := s.newRequest("GET", "/", nil)
				r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
					Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
						hints = append(hints, hint{code, header})
						return nil
					},
				}))
				return s.send(r), hints
			}
			got, hints := ask(c.serve(h))
			want, wantHints := ask(c.bare(h))
			c.same(got, want)
			if len(hints) != 2 || hints[0].code != 103 || hints[1].code != 102 {
				c.Fatalf("got %v before the answer, want 103 and 102", hints)
			}
			for i := range hints {
				if len(hints[i].header) != len(wantHints[i].header) || hints[i].header.Get("Link") == "" {
					c.Errorf("the %d has %v, without the middleware %v", hints[i].code, hints[i].header, wantHints[i].header)
				}
			}
		},
	}, {
		Name:   "ContinueWhenRead",
		Reason: "100 Continue goes out when the handler first reads the body, and not before: a client waits for it.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				b := make([]byte, 4)
				n, _ := r.Body.Read(b)
				text(w, string(b[:n]))
			})
			conn, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
			line, err := br.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
				c.Fatalf("got %q (error %v), want 100 Continue", line, err)
			}
			_, err = br.ReadString('\n')
			c.must(err)
			text(conn, "body")
			if got := c.readAnswer(br, "POST"); got.StatusCode != 200 || got.body != "body" {
				c.Errorf("got %d %q", got.StatusCode, got.body)
			}
		},
	}, {
		Name:   "RefusedUnderExpect",
		Reason: "A handler that refuses a body unread under Expect: 100-continue answers at once, without a 100; a middleware that puts its own Body on the server's request, or drains it, hangs here.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			for _, flush := range []bool{false, true} {
				h := func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusRequestEntityTooLarge)
					text(w, "too large")
					if flush {
						w.(http.Flusher).Flush()
					}
				}
				ask := func(s *server) answer {
					_, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
					return c.readAnswer(br, "POST")
				}
				c.same(ask(c.serve(h)), ask(c.bare(h)))
			}
		},
	}}
}
