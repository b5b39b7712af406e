package conformance

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

func limitCases() []Case {
	ask := func(s *server) answer {
		_, br := s.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + strings.Repeat("x", 100))
		return s.c.readAnswer(br, "POST")
	}
	const reason = "http.MaxBytesReader closes the connection of a client that sends too much, by a private method that no wrapper has: a middleware has to see to it."
	return []Case{{
		Name:   "MaxBytesReaderClosesTheConnection",
		Reason: reason,
		over:   onlyHTTP1,
		check: func(c *checker) {
			h := func(w http.ResponseWriter, r *http.Request) {
				r.Body = http.MaxBytesReader(w, r.Body, 10)
				b, err := io.ReadAll(r.Body)
				var tooLarge *http.MaxBytesError
				if len(b) != 10 || !errors.As(err, &tooLarge) || tooLarge.Limit != 10 {
					http.Error(w, "wrong error", http.StatusInternalServerError)
					return
				}
				http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			}
			c.same(ask(c.serve(h)), ask(c.bare(h)))
		},
	}, {
		Name:   "MaxBytesReaderInPassing",
		Reason: reason + " Often it is not put on the request.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			h := func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10))
				http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			}
			c.same(ask(c.serve(h)), ask(c.bare(h)))
		},
	}, {
		Name:   "MaxBytesReaderWithinLimit",
		Reason: "Below the limit nothing is closed.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			h := func(w http.ResponseWriter, r *http.Request) {
				r.Body = http.MaxBytesReader(w, r.Body, 100)
				b, _ := io.ReadAll(r.Body)
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write(b)
			}
			c.same(ask(c.serve(h)), ask(c.bare(h)))
		},
	}}
}
