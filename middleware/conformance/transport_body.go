package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

func transportBodyCases() []TransportCase {
	return []TransportCase{
		{Name: "no body stays no body", Reason: "net/http compares Body with nil and http.NoBody; anything else is sent in chunks, which some servers refuse on a GET.", check: func(c *transportChecker) {
			for _, body := range []io.ReadCloser{nil, http.NoBody} {
				var got io.ReadCloser = &ownBody{}
				rt := c.wrap(transportFunc(func(r *http.Request) (*http.Response, error) {
					got = r.Body
					return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
				}))
				req := c.request(http.MethodGet, "http://127.0.0.1/", nil)
				req.Body = body
				c.send(rt, req)
				if got != body {
					c.Errorf("body %v became %T", body, got)
				}
			}
		}},
		{Name: "bodies arrive whole", Reason: "What is captured must still be sent, with its length where it is known and in chunks where not.", check: func(c *transportChecker) {
			large := strings.Repeat("0123456789abcdef", 1<<16)
			type received struct {
				text   string
				length int64
			}
			got := make(chan received, 1)
			url := c.server(func(_ http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
				b, _ := io.ReadAll(r.Body)
				got <- received{string(b), r.ContentLength}
			})
			rt := c.plain()
			for _, text := range []string{"", "text", large} {
				for i, body := range []io.Reader{strings.NewReader(text), bytes.NewReader([]byte(text)), bytes.NewBufferString(text), newOwnBody(text)} {
					c.send(rt, c.request(http.MethodPost, url, body))
					want := int64(len(text))
					if i == 3 {
						want = -1
					}
					if r := transportAwait(c, got, "the request"); r.text != text || r.length != want {
						c.Errorf("%T: %d bytes of %d arrived, Content-Length %d, want %d", body, len(r.text), len(text), r.length, want)
					}
				}
			}
		}},
		{Name: "a file arrives from its position", Reason: "A file may be sent from its middle; looking at it must not move it.", check: func(c *transportChecker) {
			dir, err := os.MkdirTemp("", "conformance")
			c.must(err)
			c.Cleanup(func() { _ = os.RemoveAll(dir) })
			name := filepath.Join(dir, "body")
			c.must(os.WriteFile(name, []byte("headtext"), 0o600))
			f, err := os.Open(name) //nolint:gosec // the name is ours
			c.must(err)
			_, err = f.Seek(4, io.SeekStart)
			c.must(err)
			if got := c.text(c.send(c.plain(), c.request(http.MethodPost, c.server(echoBack), f)).Body); got != "text" {
				c.Errorf("the server got %q", got)
			}
		}},
		{Name: "a small body in memory is one write", Reason: "net/http puts headers and body into one packet only while it sees that the body is in memory.", check: func(c *transportChecker) {
			var writes atomic.Int32
			tr := c.base()
			tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &countingConn{conn, &writes}, nil
			}
			_ = c.text(c.send(c.wrap(tr), c.request(http.MethodPost, c.server(echoBack), strings.NewReader("text"))).Body)
			if n := writes.Load(); n != 1 {
				c.Errorf("%d writes", n)
			}
		}},
		{Name: "the body is closed", Reason: "net/http.RoundTripper: RoundTrip must always close the body, including on errors. Files and pipes hang on it.", check: func(c *transportChecker) {
			ok := newOwnBody("text")
			c.send(c.plain(), c.request(http.MethodPost, c.server(echoBack), ok))
			transportAwait(c, ok.closed, "the close of a body that was sent")
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			c.must(err)
			_ = ln.Close()
			refused := newOwnBody("text")
			_ = c.fail(c.plain(), c.request(http.MethodPost, "http://"+ln.Addr().String(), refused))
			transportAwait(c, refused.closed, "the close of a body that could not be sent")
		}},
		{Name: "the body's own error is passed on", Reason: "The caller recognises its own error.", check: func(c *transportChecker) {
			errOwn := errors.New("own")
			body := io.MultiReader(strings.NewReader("text"), &brokenReader{errOwn})
			if err := c.fail(c.plain(), c.request(http.MethodPost, c.server(echoBack), body)); !errors.Is(err, errOwn) {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "a dead idle connection is replaced", Reason: "A server may close an idle connection at any time. net/http then sends again, taking the body from GetBody.", check: func(c *transportChecker) {
			for _, own := range []bool{false, true} {
				got := make(chan string, 4)
				url := c.raw(func(conn net.Conn, n int) {
					br := bufio.NewReader(conn)
					for i := range 2 {
						r, err := http.ReadRequest(br)
						if err != nil {
							return
						}
						b, _ := io.ReadAll(r.Body)
						if n == 1 && i == 1 {
							return
						}
						got <- string(b)
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					}
				})
				rt := c.plain()
				for range 2 {
					var body io.Reader = strings.NewReader("text")
					if own {
						body = newOwnBody("text")
					}
					req := c.request(http.MethodPost, url, body)
					if own {
						req.GetBody = func() (io.ReadCloser, error) { return newOwnBody("text"), nil }
					}
					req.Header.Set("Idempotency-Key", "1")
					_ = c.text(c.send(rt, req).Body)
					if b := transportAwait(c, got, "the request"); b != "text" {
						c.Errorf("own body %v: the server got %q", own, b)
					}
				}
			}
		}},
		{Name: "GetBody is left to those who resend", Reason: "Some clients' GetBody rewinds the very payload that is being sent: calling it to look at the body destroys the call.", check: func(c *transportChecker) {
			src := strings.NewReader("text")
			req := c.request(http.MethodPost, c.server(echoBack), &ownBody{Reader: src, closed: make(chan struct{})})
			req.ContentLength = 4
			req.GetBody = func() (io.ReadCloser, error) {
				c.Errorf("GetBody was called although nothing was sent again")
				_, err := src.Seek(0, io.SeekStart)
				return io.NopCloser(src), err
			}
			if got := c.text(c.send(c.plain(), req).Body); got != "text" {
				c.Errorf("the server got %q", got)
			}
		}},
		{Name: "a redirect resends the body", Reason: "307 and 308 repeat method and body, which http.Client takes from the caller's GetBody.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, r *http.Request, stop <-chan struct{}) {
				if r.URL.Path == "/" {
					_, _ = io.Copy(io.Discard, r.Body)
					http.Redirect(w, r, "/there", http.StatusPermanentRedirect)
					return
				}
				echoBack(w, r, stop)
			})
			resp, err := (&http.Client{Transport: c.plain()}).Do(c.request(http.MethodPost, url+"/", strings.NewReader("text")))
			c.must(err)
			defer func() { _ = resp.Body.Close() }()
			if got := c.text(resp.Body); got != "text" {
				c.Errorf("the second server got %q", got)
			}
		}},
		{Name: "trailers set while sending arrive", Reason: "A digest of the body is known at its end; Request.Clone copies the trailers before that.", check: func(c *transportChecker) {
			got := make(chan string, 1)
			url := c.server(func(_ http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
				_, _ = io.Copy(io.Discard, r.Body)
				got <- r.Trailer.Get("X-Sum")
			})
			req := c.request(http.MethodPost, url, nil)
			req.ContentLength = -1
			req.Trailer = http.Header{"X-Sum": nil}
			req.Body = io.NopCloser(io.MultiReader(strings.NewReader("text"), &lastWords{func() { req.Trailer.Set("X-Sum", "42") }}))
			c.send(c.plain(), req)
			if sum := transportAwait(c, got, "the trailer"); sum != "42" {
				c.Errorf("trailer %q", sum)
			}
		}},
		{Name: "an unwanted body is not read", Reason: "With Expect: 100-continue the body is sent only after the server asked for it.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
				w.WriteHeader(http.StatusUnauthorized)
			})
			var reads atomic.Int32
			body := newOwnBody("text")
			body.Reader = &countingReader{body.Reader, &reads}
			req := c.request(http.MethodPost, url, body)
			req.ContentLength = 4
			req.Header.Set("Expect", "100-continue")
			if resp := c.send(c.plain(), req); resp.StatusCode != http.StatusUnauthorized || reads.Load() != 0 {
				c.Errorf("status %d, %d reads of the body", resp.StatusCode, reads.Load())
			}
		}},
		{Name: "both directions at once", Reason: "gRPC and its like answer while they are still being told: neither half may wait for the other.", check: func(c *transportChecker) {
			url, base := c.server2(func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
				_ = http.NewResponseController(w).Flush()
				b := make([]byte, 1)
				for {
					if _, err := r.Body.Read(b); err != nil {
						return
					}
					_, _ = w.Write(b)
					_ = http.NewResponseController(w).Flush()
				}
			})
			pr, pw := io.Pipe()
			resp := c.send(c.wrap(base), c.request(http.MethodPost, url, pr))
			for _, want := range []string{"a", "b", "c"} {
				_, err := io.WriteString(pw, want)
				c.must(err)
				b := make([]byte, 1)
				_, err = io.ReadFull(resp.Body, b)
				c.must(err)
				if string(b) != want {
					c.Errorf("got %q, want %q", b, want)
				}
			}
			_ = pw.Close()
			if rest := c.text(resp.Body); rest != "" {
				c.Errorf("then came %q", rest)
			}
		}},
		{Name: "an answer before the request's end is handed over", Reason: "A server may refuse an upload at once; the transport goes on reading the body after RoundTrip has returned.", check: func(c *transportChecker) {
			url := c.server(func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
				w.Header().Set("Connection", "close")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, "too large")
			})
			pr, pw := io.Pipe()
			c.Cleanup(func() { _ = pw.Close() })
			go func() { _, _ = io.WriteString(pw, "the beginning") }()
			resp := c.send(c.plain(), c.request(http.MethodPost, url, pr))
			if got := c.text(resp.Body); resp.StatusCode != http.StatusRequestEntityTooLarge || got != "too large" {
				c.Errorf("status %d, %q", resp.StatusCode, got)
			}
		}},
	}
}

// brokenReader fails.
type brokenReader struct{ err error }

func (r *brokenReader) Read([]byte) (int, error) { return 0, r.err }

// lastWords calls say before it reports the end.
type lastWords struct{ say func() }

func (r *lastWords) Read([]byte) (int, error) {
	r.say()
	return 0, io.EOF
}

// countingReader counts reads.
type countingReader struct {
	io.Reader
	reads *atomic.Int32
}

func (r *countingReader) Read(p []byte) (int, error) {
	r.reads.Add(1)
	return r.Reader.Read(p)
}
