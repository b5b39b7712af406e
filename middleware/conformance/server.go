package conformance

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

type protocol string

const (
	http1 protocol = "HTTP1"
	h2    protocol = "H2"
	h2c   protocol = "H2C"
)

var (
	allProtocols = [...]protocol{http1, h2, h2c}
	onlyHTTP1    = []protocol{http1}
	onlyHTTP2    = []protocol{h2, h2c}
)

// server is a running server and a client that speaks its protocol.
type server struct {
	c *checker
	*httptest.Server
	client *http.Client
}

// serve starts a server with h behind the middleware.
func (c *checker) serve(h http.HandlerFunc) *server { return c.serveHandler(c.wrap(h)) }

// bare starts one without it, to compare.
func (c *checker) bare(h http.HandlerFunc) *server { return c.serveHandler(h) }

func (c *checker) serveHandler(h http.Handler) *server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // some cases panic on purpose
	switch c.proto {
	case h2:
		s.EnableHTTP2 = true
		s.StartTLS()
	case h2c:
		var p http.Protocols
		p.SetHTTP1(true)
		p.SetUnencryptedHTTP2(true)
		s.Config.Protocols = &p
		s.Start()
	default:
		s.Start()
	}
	client := s.Client()
	t := client.Transport.(*http.Transport).Clone()
	t.DisableCompression = true
	if c.proto == h2c {
		var p http.Protocols
		p.SetUnencryptedHTTP2(true)
		t.Protocols = &p
	}
	client = &http.Client{
		Transport: t, Timeout: 2 * c.patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.Cleanup(func() {
		t.CloseIdleConnections()
		s.CloseClientConnections()
		s.Close()
	})
	return &server{c, s, client}
}

// newRequest makes a request to s.
func (s *server) newRequest(method, path string, body io.Reader) *http.Request {
	s.c.Helper()
	r, err := http.NewRequestWithContext(s.c.Context(), method, s.URL+path, body)
	s.c.must(err)
	return r
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	body string
	err  error // of reading
}

// send sends r and reads the answer. The error of the reading is in the answer,
// any other ends the case.
func (s *server) send(r *http.Request) answer {
	s.c.Helper()
	res, err := s.client.Do(r)
	if err != nil {
		s.c.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b), err}
}

func (s *server) get(path string) answer {
	s.c.Helper()
	return s.send(s.newRequest("GET", path, nil))
}

func (s *server) post(body string) answer {
	s.c.Helper()
	return s.send(s.newRequest("POST", "/", strings.NewReader(body)))
}

// dial opens a connection to a server that speaks HTTP/1 and sends text over it.
func (s *server) dial(text string) (net.Conn, *bufio.Reader) {
	s.c.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.c.must(err)
	s.c.Cleanup(func() { _ = conn.Close() })
	s.c.must(conn.SetDeadline(time.Now().Add(s.c.patience)))
	_, err = io.WriteString(conn, text)
	s.c.must(err)
	return conn, bufio.NewReader(conn)
}

// readAnswer reads one response from a raw connection.
func (c *checker) readAnswer(br *bufio.Reader, method string) answer {
	c.Helper()
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		c.Fatalf("reading the response: %v", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b), err}
}

// same compares an answer with the one that was got without the middleware. The
// Date differs by itself, and further headers are the middleware's own.
func (c *checker) same(got, want answer) {
	c.Helper()
	if got.StatusCode != want.StatusCode || got.body != want.body || (got.err == nil) != (want.err == nil) {
		c.Errorf("got %d %q (error %v), without the middleware %d %q (error %v)",
			got.StatusCode, short(got.body), got.err, want.StatusCode, short(want.body), want.err)
	}
	if got.ContentLength != want.ContentLength || got.Close != want.Close ||
		strings.Join(got.TransferEncoding, ",") != strings.Join(want.TransferEncoding, ",") {
		c.Errorf("length %d, close %t, transfer encoding %v; without the middleware %d, %t, %v",
			got.ContentLength, got.Close, got.TransferEncoding, want.ContentLength, want.Close, want.TransferEncoding)
	}
	for name, v := range want.Header {
		if name != "Date" && strings.Join(got.Header[name], "|") != strings.Join(v, "|") {
			c.Errorf("header %s is %q, without the middleware %q", name, got.Header[name], v)
		}
	}
}

func short(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// plainWriter has none of the optional interfaces.
type plainWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newPlainWriter() *plainWriter { return &plainWriter{header: http.Header{}} }

func (w *plainWriter) Header() http.Header { return w.header }

func (w *plainWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.body.Write(p)
}

func (w *plainWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// direct calls h behind the middleware without a server, and waits for h, which a
// middleware may have left running in a goroutine of its own.
func (c *checker) direct(w http.ResponseWriter, body io.ReadCloser, h http.HandlerFunc) *http.Request {
	c.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "GET", "http://example.test/direct", nil)
	c.must(err)
	r.Body = body
	r.RequestURI = "/direct"
	r.RemoteAddr = "192.0.2.1:1234"
	done := make(chan struct{})
	c.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		h(w, r)
	})).ServeHTTP(w, r)
	await(c, done, "the handler")
	return r
}
