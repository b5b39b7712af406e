package conformance

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

func transportResponseCases() []TransportCase {
	return []TransportCase{
		{Name: "headers come before the body", Reason: "A caller decides by status and headers, and a stream has no end to wait for.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, r *http.Request, stop <-chan struct{}) {
				w.Header().Set("X-Kind", "stream")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-stop:
				case <-r.Context().Done():
				}
			})
			if resp := c.send(c.plain(), c.request(http.MethodGet, url, nil)); resp.StatusCode != 200 || resp.Header.Get("X-Kind") != "stream" {
				c.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
			}
		}},
		{Name: "the body comes piece by piece", Reason: "Event streams and progress must not wait in a buffer for what comes next.", check: func(c *transportChecker) {
			next := make(chan string)
			url := c.server(func(w http.ResponseWriter, _ *http.Request, stop <-chan struct{}) {
				for {
					select {
					case s, ok := <-next:
						if !ok {
							return
						}
						_, _ = io.WriteString(w, s)
						_ = http.NewResponseController(w).Flush()
					case <-stop:
						return
					}
				}
			})
			go func() { next <- "" }()
			resp := c.send(c.plain(), c.request(http.MethodGet, url, nil))
			for _, want := range []string{"one", "two", "three"} {
				next <- want
				got := make(chan string, 1)
				go func() {
					b := make([]byte, len(want))
					_, _ = io.ReadFull(resp.Body, b)
					got <- string(b)
				}()
				if s := transportAwait(c, got, "a piece of the body"); s != want {
					c.Errorf("got %q, want %q", s, want)
				}
			}
			close(next)
			_ = c.text(resp.Body)
		}},
		{Name: "a large body is whole", Reason: "A bound on what is captured is no bound on what is passed on.", check: func(c *transportChecker) {
			large := strings.Repeat("0123456789abcdef", 1<<17)
			url := c.server(func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) { _, _ = io.WriteString(w, large) })
			if got := c.text(c.send(c.plain(), c.request(http.MethodGet, url, nil)).Body); got != large {
				c.Errorf("%d bytes of %d", len(got), len(large))
			}
		}},
		{Name: "the response names the caller's request", Reason: "http.Client follows redirects from it, and callers put their state into its context.", check: func(c *transportChecker) {
			req := c.request(http.MethodGet, c.server(echoBack), nil)
			if resp := c.send(c.plain(), req); resp.Request != req {
				c.Errorf("it names another request")
			}
		}},
		{Name: "a response without a body has none", Reason: "HEAD, 204 and 304: http.NoBody is compared, and a HEAD's length is not that of a body.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
				if r.Method == http.MethodHead {
					w.Header().Set("Content-Length", "100")
					return
				}
				w.WriteHeader(http.StatusNoContent)
			})
			rt := c.plain()
			if resp := c.send(rt, c.request(http.MethodHead, url, nil)); resp.Body != http.NoBody || resp.ContentLength != 100 {
				c.Errorf("HEAD: body %T, length %d", resp.Body, resp.ContentLength)
			}
			if resp := c.send(rt, c.request(http.MethodGet, url, nil)); resp.Body != http.NoBody {
				c.Errorf("204: body %T", resp.Body)
			}
		}},
		{Name: "trailers arrive", Reason: "net/http puts trailers into the very Response it returned, when the body ends.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
				_, _ = io.WriteString(w, "text")
				_ = http.NewResponseController(w).Flush()
				w.Header().Set(http.TrailerPrefix+"X-Sum", "42") // not announced: the map is made at the end
			})
			resp := c.send(c.plain(), c.request(http.MethodGet, url, nil))
			_ = c.text(resp.Body)
			if resp.Trailer.Get("X-Sum") != "42" {
				c.Errorf("trailers %v", resp.Trailer)
			}
		}},
		{Name: "gzip is undone as before", Reason: "net/http undoes only the compression that it asked for itself, and says so in Uncompressed.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					_, _ = io.WriteString(w, "not asked for")
					return
				}
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, "text")
				_ = z.Close()
			})
			resp := c.send(c.plain(), c.request(http.MethodGet, url, nil))
			if got := c.text(resp.Body); got != "text" || !resp.Uncompressed || resp.ContentLength != -1 {
				c.Errorf("%q, uncompressed %v, length %d", got, resp.Uncompressed, resp.ContentLength)
			}
		}},
		{Name: "a body cut short is an error", Reason: "io.ErrUnexpectedEOF is all that tells half an answer from a whole one.", check: func(c *transportChecker) {
			url := c.raw(func(conn net.Conn, _ int) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntext")
				}
			})
			got, err := c.read(c.send(c.plain(), c.request(http.MethodGet, url, nil)).Body)
			if got != "text" || err != io.ErrUnexpectedEOF {
				c.Errorf("%q, %v", got, err)
			}
		}},
		{Name: "bytes and error of one Read stay together", Reason: "io.Reader: bytes may come with the error, and count.", check: func(c *transportChecker) {
			errLast := errors.New("last")
			rt := c.wrap(transportFunc(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(&bothReader{"text", errLast}), Request: r}, nil
			}))
			resp := c.send(rt, c.request(http.MethodGet, "http://127.0.0.1/", nil))
			if n, err := resp.Body.Read(make([]byte, 10)); n != 4 || err != errLast {
				c.Errorf("%d bytes, %v", n, err)
			}
		}},
		{Name: "closing early is enough", Reason: "Close gives a body up; reading the rest of a stream first would take for ever.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, r *http.Request, stop <-chan struct{}) {
				_, _ = io.WriteString(w, "text")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-stop:
				case <-r.Context().Done():
				}
			})
			resp := c.send(c.plain(), c.request(http.MethodGet, url, nil))
			done := make(chan struct{})
			go func() {
				_ = resp.Body.Close()
				close(done)
			}()
			transportAwait(c, done, "Close")
			if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
				c.Errorf("a closed body can be read")
			}
		}},
		{Name: "nothing is read that the caller did not read", Reason: "Backpressure: a caller that reads slowly must slow the server down.", check: func(c *transportChecker) {
			var reads atomic.Int32
			rt := c.wrap(transportFunc(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(&countingReader{strings.NewReader("text"), &reads}), Request: r}, nil
			}))
			resp := c.send(rt, c.request(http.MethodGet, "http://127.0.0.1/", nil))
			_, _ = resp.Body.Read(make([]byte, 1))
			_ = resp.Body.Close()
			if n := reads.Load(); n != 1 {
				c.Errorf("%d reads for one", n)
			}
		}},
		{Name: "a connection read to its end is used again", Reason: "A body whose end the transport does not see costs a new connection for every call.", check: func(c *transportChecker) {
			rt, url := c.plain(), c.server(echoBack)
			for i := range 3 {
				var reused bool
				req := c.request(http.MethodPost, url, strings.NewReader("text"))
				req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}))
				resp := c.send(rt, req)
				_ = c.text(resp.Body)
				_ = resp.Body.Close()
				if reused != (i > 0) {
					c.Errorf("call %d: connection reused: %v", i, reused)
				}
			}
		}},
		{Name: "an upgraded connection can be written to", Reason: "After a 101 the body is the connection: io.Writer, and CloseWrite for half-closing.", check: func(c *transportChecker) {
			url := c.raw(func(conn net.Conn, _ int) {
				br := bufio.NewReader(conn)
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(conn, br)
				_, _ = io.WriteString(conn, " bye")
			})
			req := c.request(http.MethodGet, url, nil)
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", "echo")
			resp := c.send(c.plain(), req)
			rw, ok := resp.Body.(io.ReadWriteCloser)
			if !ok {
				c.Fatalf("the body has no Write")
			}
			_, err := io.WriteString(rw, "text")
			c.must(err)
			cw, ok := resp.Body.(interface{ CloseWrite() error })
			if !ok {
				c.Fatalf("the body has no CloseWrite")
			}
			c.must(cw.CloseWrite())
			if got := c.text(rw); got != "text bye" {
				c.Errorf("got %q", got)
			}
		}},
	}
}

// bothReader returns its text together with its error.
type bothReader struct {
	text string
	err  error
}

func (r *bothReader) Read(p []byte) (int, error) {
	n := copy(p, r.text)
	r.text = ""
	return n, r.err
}
