package conformance

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

func streamingCases() []Case {
	return []Case{{
		Name:   "FlushedArrives",
		Reason: "What has been flushed is at the client while the handler still runs: event streams, long polling and progress depend on it.",
		check: func(c *checker) {
			seen := make(chan string, 1)
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				text(w, "data: one\n")
				w.(http.Flusher).Flush()
				select {
				case <-seen:
					text(w, "data: two\n")
				case <-time.After(c.patience):
				case <-r.Context().Done():
				}
			})
			res, err := s.client.Do(s.newRequest("GET", "/", nil))
			c.must(err)
			defer res.Body.Close()
			br := bufio.NewReader(res.Body)
			for _, want := range []string{"data: one\n", "data: two\n"} {
				line, err := br.ReadString('\n')
				if line != want {
					c.Fatalf("got %q (error %v), want %q", line, err, want)
				}
				select {
				case seen <- line:
				default:
				}
			}
		},
	}, {
		Name:   "FlushSendsHeader",
		Reason: "Flush before any write sends 200 and the headers, so that a client knows that the stream has begun.",
		check: func(c *checker) {
			seen := make(chan struct{})
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Stream", "1")
				w.(http.Flusher).Flush()
				w.WriteHeader(http.StatusTeapot)
				select {
				case <-seen:
				case <-time.After(c.patience):
				case <-r.Context().Done():
				}
			})
			res, err := s.client.Do(s.newRequest("GET", "/", nil))
			c.must(err)
			defer res.Body.Close()
			close(seen)
			if res.StatusCode != 200 || res.Header.Get("X-Stream") != "1" {
				c.Errorf("got %d %v", res.StatusCode, res.Header)
			}
		},
	}, {
		Name:   "FlushedNoContentIsComplete",
		Reason: "A flushed 204 is complete at the client: whatever a middleware still does must not hold it.",
		check: func(c *checker) {
			seen := make(chan struct{})
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusNoContent)
				w.(http.Flusher).Flush()
				select {
				case <-seen:
				case <-time.After(c.patience):
				case <-r.Context().Done():
				}
			})
			res, err := s.client.Do(s.newRequest("GET", "/", nil))
			c.must(err)
			defer res.Body.Close()
			close(seen)
			if res.StatusCode != 204 {
				c.Errorf("got %d", res.StatusCode)
			}
		},
	}, {
		Name:   "FlushReportsErrors",
		Reason: "A flush past the write deadline fails, and http.ResponseController says so; a stream without the error never ends.",
		check: func(c *checker) {
			errs := make(chan error, 1)
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				rc := http.NewResponseController(w)
				if err := rc.SetWriteDeadline(time.Unix(1, 0)); err != nil {
					errs <- errors.New("SetWriteDeadline: " + err.Error())
					return
				}
				text(w, "too late")
				errs <- rc.Flush()
			})
			res, err := s.client.Do(s.newRequest("GET", "/", nil))
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			err = await(c, errs, "the handler")
			if c.proto == http1 && !errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
				c.Errorf("Flush returned %v, want the deadline's error", err)
			}
		},
	}, {
		Name:   "FullDuplex",
		Reason: "A handler may answer while it reads: bidirectional streams, proxies.",
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				rc := http.NewResponseController(w)
				if c.proto == http1 {
					if err := rc.EnableFullDuplex(); err != nil {
						text(w, "EnableFullDuplex: "+err.Error()+"\n")
						return
					}
				}
				w.WriteHeader(http.StatusOK)
				_ = rc.Flush()
				br := bufio.NewReader(r.Body)
				for {
					line, err := br.ReadString('\n')
					if err != nil {
						return
					}
					text(w, "echo "+line)
					if rc.Flush() != nil {
						return
					}
				}
			})
			pr, pw := io.Pipe()
			defer pw.Close()
			// A client whose request body never comes waits for it even when it gives up.
			defer time.AfterFunc(c.patience, func() { _ = pw.CloseWithError(io.ErrUnexpectedEOF) }).Stop()
			res, err := s.client.Do(s.newRequest("POST", "/", pr))
			c.must(err)
			defer res.Body.Close()
			br := bufio.NewReader(res.Body)
			for _, word := range []string{"one\n", "two\n", "three\n"} {
				go text(pw, word) // nobody may be reading
				line, err := br.ReadString('\n')
				if line != "echo "+word {
					c.Fatalf("got %q (error %v), want %q", line, err, "echo "+word)
				}
			}
		},
	}, {
		Name:   "ClientGoneIsSeen",
		Reason: "The request's context ends when the client goes away, so that work stops.",
		check: func(c *checker) {
			started, ended := make(chan struct{}), make(chan error, 1)
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				w.(http.Flusher).Flush()
				close(started)
				select {
				case <-r.Context().Done():
					ended <- r.Context().Err()
				case <-time.After(c.patience):
					ended <- nil
				}
			})
			res, err := s.client.Do(s.newRequest("GET", "/", nil))
			c.must(err)
			await(c, started, "the handler")
			res.Body.Close()
			if await(c, ended, "the context's end") == nil {
				c.Errorf("the context did not end")
			}
		},
	}, {
		Name:   "ConcurrentReadAndWrite",
		Reason: "HTTP/2 handlers read in one goroutine and write in another; run with -race.",
		over:   onlyHTTP2,
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				n := make(chan int64)
				go func() {
					got, _ := io.Copy(io.Discard, r.Body)
					n <- got
				}()
				for range 100 {
					text(w, "0123456789")
					w.(http.Flusher).Flush()
				}
				if <-n != 1<<20 {
					panic(http.ErrAbortHandler)
				}
			})
			got := s.post(string(make([]byte, 1<<20)))
			if got.err != nil || len(got.body) != 1000 {
				c.Errorf("got %d bytes, error %v", len(got.body), got.err)
			}
		},
	}}
}
