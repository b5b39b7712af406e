package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

var (
	differentialRounds = flag.Int("differential-rounds", 200, "calls that TestDifferential makes up")
	differentialSeed   = flag.Uint64("differential-seed", 1, "which ones")
)

// playing is a server that answers with given bytes, whatever is asked.
type playing struct {
	net.Listener
	answer string
	how    string
	over   chan struct{} // closed at the end of the last connection

	mu    sync.Mutex
	heads []string // of the requests that came
}

func newPlaying(t *testing.T, answer, how string) *playing {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &playing{Listener: l, answer: answer, how: how, over: make(chan struct{})}
	go func() {
		defer close(s.over)
		var conns sync.WaitGroup
		defer conns.Wait()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.talk(conn.(*net.TCPConn)) })
		}
	}()
	return s
}

func (s *playing) talk(conn *net.TCPConn) {
	defer conn.Close()
	answer := s.answer
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	switch s.how {
	case "hangs up":
		return
	case "resets":
		_ = conn.SetLinger(0)
		return
	case "does not wait":
	default:
		var head []byte
		for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b...) {
			if n, err := conn.Read(b); n == 0 || err != nil {
				return
			}
		}
		s.mu.Lock()
		s.heads = append(s.heads, string(head))
		s.mu.Unlock()
	}
	if s.how == "in pieces" {
		for len(answer) > 100 {
			_, _ = io.WriteString(conn, answer[:7])
			answer = answer[7:]
		}
	}
	_, _ = io.WriteString(conn, answer)
	_ = conn.CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}

func pickOf(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

// inventAnswer makes up a response, byte by byte.
func inventAnswer(rnd *rand.Rand) string {
	var b strings.Builder
	for range rnd.IntN(3) {
		b.WriteString(pickOf(rnd, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 102 P\r\n\r\n"))
	}
	b.WriteString(pickOf(rnd, "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "ICY") + " " +
		pickOf(rnd, "200 OK", "200 OK", "200 OK", "200", "204 No Content", "304 Not Modified", "500 X", "99 X", "999 Z", "xx",
			"301 Moved\r\nLocation: /again", "307 T\r\nLocation: /again", "302 Found\r\nLocation: :", "401 U\r\nWww-Authenticate: Basic",
			"101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x") + "\r\n" +
		pickOf(rnd, "", "", "", "", "X-Bin: \xff\xfe\r\n", "bad header\r\n", "X A: 1\r\n", " fold: 1\r\n", "Content-Length: -1\r\n",
			"X-Long: "+strings.Repeat("y", 200000)+"\r\n", strings.Repeat("X-Many: 1\r\n", 3000)) +
		pickOf(rnd, "Content-Type: application/json\r\n", "Content-Type: image/png\r\n", "Content-Type: text/event-stream\r\n", "Content-Encoding: gzip\r\n", ""))
	body := strings.Repeat("0123456789abcdef", 1+rnd.IntN(500))
	switch rnd.IntN(7) {
	case 0:
		b.WriteString("\r\n" + body)
	case 1, 2:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	case 3: // and breaks off
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body)+5, body)
	case 4:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n%x\r\n%s\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n", len(body), body)
	case 5:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nzz\r\n", len(body), body)
	case 6:
		b.WriteString("Transfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n\r\n")
	}
	if rnd.IntN(6) == 0 {
		return b.String()[:rnd.IntN(b.Len())]
	}
	return b.String()
}

// breaking is a body that breaks off by itself.
type breaking struct{ io.Reader }

var errOwn = errors.New("the body's own error")

func (f breaking) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errOwn
	}
	return n, err
}

// inventedCall is a call that was made up.
type inventedCall struct{ answer, how, method, body, use, client string }

func inventCall(rnd *rand.Rand) inventedCall {
	return inventedCall{
		answer: inventAnswer(rnd),
		how:    pickOf(rnd, "at once", "at once", "at once", "in pieces", "does not wait", "hangs up", "resets"),
		method: pickOf(rnd, "GET", "POST", "HEAD", "PUT", "DELETE", ""),
		body:   pickOf(rnd, "none", "NoBody", "bytes", "string", "buffer", "reader", "fails"),
		use:    pickOf(rnd, "read", "close", "read some", "read and write", "copy"),
		client: pickOf(rnd, "plain", "no compression", "expect", "timeout"),
	}
}

// run makes the call and returns everything that its caller and the server have seen.
func (c inventedCall) run(t *testing.T, wrap func(*http.Client) *http.Client) string {
	s := newPlaying(t, c.answer, c.how)
	var mu sync.Mutex
	var seen strings.Builder
	note := func(format string, args ...any) {
		mu.Lock()
		fmt.Fprintf(&seen, format+"\n", args...)
		mu.Unlock()
	}
	inner := http.DefaultTransport.(*http.Transport).Clone()
	inner.Proxy, inner.DisableCompression, inner.ExpectContinueTimeout = nil, c.client == "no compression", time.Millisecond
	client := &http.Client{Transport: inner}
	if c.client == "timeout" {
		client.Timeout = time.Minute
	}
	client = wrap(client)

	data := bytes.Repeat([]byte("ab"), 3000)
	var body io.Reader
	switch c.body {
	case "NoBody":
		body = http.NoBody
	case "bytes":
		body = bytes.NewReader(data)
	case "string":
		body = strings.NewReader(string(data))
	case "buffer":
		body = bytes.NewBuffer(data)
	case "reader":
		body = struct{ io.Reader }{bytes.NewReader(data)}
	case "fails":
		body = breaking{bytes.NewReader(data)}
	}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse:       func(code int, h textproto.MIMEHeader) error { note("1xx: %d %v", code, h); return nil },
		GotFirstResponseByte: func() { note("the first byte") },
	})
	req, err := http.NewRequestWithContext(ctx, c.method, "http://"+s.Addr().String()+"/p?q=1", body)
	if err != nil {
		t.Fatal(err)
	}
	if c.client == "expect" {
		req.Header.Set("Expect", "100-continue")
	}
	res, err := client.Do(req)
	if err != nil {
		var timeout net.Error
		note("error %v, %T, a timeout: %t", err, errors.Unwrap(err), errors.As(err, &timeout) && timeout.Timeout())
	} else {
		note("%s %s, length %d %v, close %t, uncompressed %t, %d headers", res.Proto, res.Status, res.ContentLength, res.TransferEncoding, res.Close, res.Uncompressed, len(res.Header))
		c.take(res, note)
		note("closed %v, trailers %v", res.Body.Close(), res.Trailer)
	}
	client.CloseIdleConnections()
	inner.CloseIdleConnections()
	_ = s.Close()
	<-s.over
	mu.Lock()
	defer mu.Unlock()
	return ours.ReplaceAllString(addr.ReplaceAllString(seen.String()+strings.Join(s.heads, ""), "ADDR"), "")
}

// take does with a response what the call's maker does.
func (c inventedCall) take(res *http.Response, note func(string, ...any)) {
	if c.use == "read and write" {
		if w, ok := res.Body.(io.Writer); ok {
			n, err := w.Write([]byte("hello"))
			note("wrote %d %v", n, err)
		}
	}
	switch c.use {
	case "close":
	case "read some":
		n, err := io.ReadFull(res.Body, make([]byte, 10))
		note("read %d %v", n, err)
	case "copy":
		n, err := io.Copy(io.Discard, res.Body)
		note("copied %d %v", n, err)
	default:
		b, err := io.ReadAll(res.Body)
		note("read %d %v", len(b), err)
		n, err := res.Body.Read(make([]byte, 1))
		note("read on %d %v", n, err)
	}
}

var (
	ours = regexp.MustCompile(`(?m)^X-Transaction-.*\r\n`)
	addr = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// Whatever a server answers, and whatever the caller does, the caller and the server see
// what they would have seen without us. The answers and calls are made up; where an outcome
// varies by itself, one that is seen without us is right.
func TestDifferential(t *testing.T) {
	memory := &sinktest.Memory{}
	q, err := sink.NewQueue(memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	wrap := func(c *http.Client) *http.Client {
		c, err := outbound.Wrap(c, q, &outbound.Options{DialTimeout: -1, TLSTimeout: -1, HeaderTimeout: -1})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	rnd := rand.New(rand.NewPCG(*differentialSeed, 0)) //nolint:gosec // repeatable
	for range *differentialRounds {
		differ(t, inventCall(rnd), wrap)
	}
	if err := q.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if len(memory.Entries()) < *differentialRounds {
		t.Errorf("%d entries of %d calls", len(memory.Entries()), *differentialRounds)
	}
	for _, e := range memory.Entries() {
		if _, err := entry.Parse(e.Line()); err != nil {
			t.Errorf("%s: %v", e.Line(), err)
		}
	}
}

// differ fails the test if nothing that is seen with the transport is seen without.
func differ(t *testing.T, c inventedCall, wrap func(*http.Client) *http.Client) {
	t.Helper()
	without, with := map[string]bool{}, map[string]bool{}
	for range 40 {
		without[c.run(t, func(c *http.Client) *http.Client { return c })] = true
		with[c.run(t, wrap)] = true
		for seen := range with {
			if without[seen] {
				return
			}
		}
	}
	for seen := range with {
		t.Errorf("%s, %s, %s, %s, %s, %.300q\nwith the transport %.1000q", c.method, c.how, c.body, c.use, c.client, c.answer, seen)
	}
	for seen := range without {
		t.Errorf("without it %.1000q", seen)
	}
}
