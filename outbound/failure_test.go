package outbound_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// rawServer accepts connections and hands each to serve, which owns it until it
// returns.
func rawServer(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		done  sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	done.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			done.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		done.Wait()
	})
	return ln.Addr().String()
}

// readRequest takes one request off the connection.
func readRequest(conn net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

// stall waits until the peer goes away.
func stall(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func reset(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

func say(conn net.Conn, s string) { _, _ = io.WriteString(conn, s) }

const partial = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\n0123456789"

// nameServer answers each query with the given code, or never when it is < 0.
func nameServer(t testing.TB, rcode int) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			if rcode >= 0 && n > 3 {
				b[2] |= 0x80
				b[3] = b[3]&0xf0 | byte(rcode)
				_, _ = pc.WriteTo(b[:n], from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// short is a limit that is meant to be exceeded, long one that is not.
const (
	short = 300 * time.Millisecond
	long  = 20 * time.Second
)

type failing struct {
	name    string
	url     func(t *testing.T) string
	setup   func(t *testing.T, tr *http.Transport)
	base    http.RoundTripper
	ctx     func(ctx context.Context) (context.Context, context.CancelFunc)
	client  time.Duration // Client.Timeout
	body    func() io.Reader
	want    string
	phase   string // in the message and in the error's message
	limit   string // in the error's message
	inBody  bool
	came    func() // called when the response's headers are there
	timeout bool   // the error's Timeout()
	is      error
}

func failures() []failing {
	raw := func(serve func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string { return "http://" + rawServer(t, serve) + "/x?secret=1" }
	}
	rawTLS := func(serve func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string { return "https://" + rawServer(t, serve) + "/x" }
	}
	deadline := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	cancelSoon := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(short, cancel)
		return ctx, cancel
	}
	errCause := errors.New("the user left")
	stalled := func(conn net.Conn) { readRequest(conn); stall(conn) }
	stalledBody := func(conn net.Conn) { readRequest(conn); say(conn, partial); stall(conn) }
	resolver := func(rcode int) func(*testing.T, *http.Transport) {
		return func(t *testing.T, tr *http.Transport) {
			tr.DialContext = (&net.Dialer{Resolver: nameServer(t, rcode)}).DialContext
		}
	}
	noHost := func(*testing.T) string { return "http://core.invalid/x" }
	sending, answered := make(chan struct{}), make(chan struct{})
	return []failing{
		{name: "no such host", url: noHost, setup: resolver(3), want: entry.ErrorDNS, phase: "the host name could not be resolved"},
		{name: "name server is silent", url: noHost, setup: resolver(-1), ctx: deadline(short), want: entry.ErrorDNS, phase: "resolving the host name", limit: "deadline of ", timeout: true},
		{name: "nobody listens", url: func(t *testing.T) string {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_ = ln.Close()
			return "http://" + ln.Addr().String()
		}, want: entry.ErrorRefused, phase: "connection refused", is: syscall.ECONNREFUSED},
		{name: "no route", url: noHost, setup: func(_ *testing.T, tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
			}
		}, want: entry.ErrorUnreachable, phase: "host unreachable"},
		{name: "dial limit", url: raw(stalled), setup: func(_ *testing.T, tr *http.Transport) {
			tr.DialContext = (&net.Dialer{Timeout: short, ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
				<-ctx.Done()
				return nil
			}}).DialContext
		}, want: entry.ErrorConnectTimeout, phase: "connecting", limit: "dial timeout", timeout: true},
		{name: "deadline while connecting", url: raw(stalled), setup: func(_ *testing.T, tr *http.Transport) {
			tr.DialContext = (&net.Dialer{Timeout: 2 * short, ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
				<-ctx.Done()
				return nil
			}}).DialContext
		}, ctx: deadline(short), want: entry.ErrorConnectTimeout, phase: "connecting", limit: "deadline of ", timeout: true},
		{name: "wrong certificate", url: func(t *testing.T) string {
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ErrorLog = discardLog()
			srv.StartTLS()
			t.Cleanup(srv.Close)
			return srv.URL
		}, want: entry.ErrorTLS, phase: "TLS handshake failed"},
		{name: "certificate of another host", url: func(t *testing.T) string {
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ErrorLog = discardLog()
			srv.StartTLS()
			t.Cleanup(srv.Close)
			return srv.URL
		}, setup: func(_ *testing.T, tr *http.Transport) {
			tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return errors.New("not pinned") }} //nolint:gosec // the check is VerifyConnection's
		}, want: entry.ErrorTLS, phase: "TLS handshake failed"},
		{name: "no TLS spoken", url: func(t *testing.T) string {
			srv := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(srv.Close)
			return strings.Replace(srv.URL, "http://", "https://", 1)
		}, want: entry.ErrorTLS, phase: "TLS handshake failed"},
		{name: "closed in the handshake", url: rawTLS(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 16<<10)) }), want: entry.ErrorTLS, phase: "TLS handshake failed", is: io.EOF},
		{name: "reset in the handshake", url: rawTLS(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 16<<10)); reset(conn) }), want: entry.ErrorReset, phase: "connection reset while in the TLS handshake"},
		{
			name: "handshake limit", url: rawTLS(stall), setup: func(_ *testing.T, tr *http.Transport) { tr.TLSHandshakeTimeout = short },
			want: entry.ErrorTLS, phase: "in the TLS handshake", limit: "TLS handshake timeout of 300 ms", timeout: true,
		},
		{name: "deadline in the handshake", url: rawTLS(stall), ctx: deadline(short), want: entry.ErrorTLS, phase: "in the TLS handshake", limit: "deadline of ", timeout: true},
		{
			name: "header limit", url: raw(stalled), setup: func(_ *testing.T, tr *http.Transport) { tr.ResponseHeaderTimeout = short }, ctx: deadline(long),
			want: entry.ErrorHeaderTimeout, phase: "waiting for response headers", limit: "response header timeout of 300 ms", timeout: true,
		},
		{name: "deadline before headers", url: raw(stalled), ctx: deadline(short), want: entry.ErrorHeaderTimeout, phase: "waiting for response headers", limit: "deadline of ", timeout: true, is: context.DeadlineExceeded},
		{name: "client's limit before headers", url: raw(stalled), client: short, want: entry.ErrorHeaderTimeout, phase: "waiting for response headers", limit: "deadline of ", timeout: true},
		{name: "deadline before the client's limit", url: raw(stalled), client: long, ctx: deadline(short), want: entry.ErrorHeaderTimeout, phase: "waiting for response headers", limit: "deadline of ", timeout: true},
		{
			name: "deadline within headers", url: raw(func(conn net.Conn) { readRequest(conn); say(conn, "HTTP/1.1 200 OK\r\nContent-"); stall(conn) }), ctx: deadline(short),
			want: entry.ErrorHeaderTimeout, phase: "reading the response headers", limit: "deadline of ", timeout: true,
		},
		{name: "deadline within the body", url: raw(stalledBody), ctx: deadline(short), inBody: true, want: entry.ErrorBodyTimeout, phase: "reading the response body", limit: "deadline of ", timeout: true, is: context.DeadlineExceeded},
		{name: "client's limit within the body", url: raw(stalledBody), client: short, inBody: true, want: entry.ErrorBodyTimeout, phase: "reading the response body", limit: "deadline of ", timeout: true},
		{
			name: "deadline while sending", url: func(t *testing.T) string {
				return "http://" + rawServer(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); <-t.Context().Done() })
			}, ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return withPatience(ctx, short, sending)
			},
			body: func() io.Reader { return &endless{begun: sending} }, want: entry.ErrorTimeout, phase: "sending the request", limit: "deadline of ", timeout: true,
		},
		{
			name: "deadline while waiting for a connection", url: raw(stalledBody), setup: func(_ *testing.T, tr *http.Transport) { tr.MaxConnsPerHost = 1 }, ctx: deadline(short),
			want: entry.ErrorTimeout, phase: "waiting for a connection", limit: "deadline of ", timeout: true,
		},
		{name: "reset before the answer", url: raw(func(conn net.Conn) { readRequest(conn); reset(conn) }), want: entry.ErrorReset, phase: "connection reset while waiting for response headers", is: syscall.ECONNRESET},
		{
			name: "reset within the body", url: func(t *testing.T) string {
				return "http://" + rawServer(t, func(conn net.Conn) {
					readRequest(conn)
					say(conn, partial)
					select { // a reset may throw away what has not been read
					case <-answered:
					case <-t.Context().Done():
					}
					reset(conn)
				})
			}, came: func() { close(answered) }, inBody: true, want: entry.ErrorReset, phase: "connection reset while reading the response body", is: syscall.ECONNRESET,
		},
		{name: "closed before the answer", url: raw(readRequest), want: entry.ErrorUnexpectedEOF, phase: "connection closed while waiting for response headers", is: io.EOF},
		{name: "closed within the headers", url: raw(func(conn net.Conn) { readRequest(conn); say(conn, "HTTP/1.1 200 OK\r\nServer: x\r\n") }), want: entry.ErrorUnexpectedEOF, phase: "connection closed while reading the response headers", is: io.ErrUnexpectedEOF},
		{name: "closed within the body", url: raw(func(conn net.Conn) { readRequest(conn); say(conn, partial) }), inBody: true, want: entry.ErrorUnexpectedEOF, phase: "connection closed while reading the response body", is: io.ErrUnexpectedEOF},
		{name: "canceled before headers", url: raw(stalled), ctx: cancelSoon, want: entry.ErrorCanceled, phase: "waiting for response headers", is: context.Canceled},
		{name: "canceled with a cause", url: raw(stalled), ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(short, func() { cancel(errCause) })
			return ctx, func() { cancel(nil) }
		}, want: entry.ErrorCanceled, phase: "waiting for response headers", is: errCause},
		{name: "canceled within the body", url: raw(stalledBody), ctx: cancelSoon, inBody: true, want: entry.ErrorCanceled, phase: "reading the response body", is: context.Canceled},
		{name: "another protocol", url: raw(func(conn net.Conn) { readRequest(conn); say(conn, "SSH-2.0-OpenSSH_9.9\r\n"); stall(conn) }), want: entry.ErrorProtocol, phase: "not valid HTTP"},
		{name: "a broken header", url: raw(func(conn net.Conn) {
			readRequest(conn)
			say(conn, "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")
			stall(conn)
		}), want: entry.ErrorProtocol, phase: "not valid HTTP"},
		{name: "a broken chunk", url: raw(func(conn net.Conn) {
			readRequest(conn)
			say(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
			stall(conn)
		}), inBody: true, want: entry.ErrorProtocol, phase: "not valid HTTP"},
		{name: "a base that fails", url: noHost, base: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errCause }), want: entry.ErrorOther, phase: "error while waiting for the response", is: errCause},
	}
}

// endless is a body without end. It closes begun when it is read first.
type endless struct {
	once  sync.Once
	begun chan struct{}
}

func (e *endless) Read(p []byte) (int, error) {
	e.once.Do(func() { close(e.begun) })
	return len(p), nil
}

// patient is a context that outlives its deadline until the call has come to where it is
// meant to fail, however long that takes.
type patient struct {
	context.Context
	ended chan struct{}
}

func (p *patient) Done() <-chan struct{} { return p.ended }

func (p *patient) Err() error {
	select {
	case <-p.ended:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func withPatience(ctx context.Context, limit time.Duration, there <-chan struct{}) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithTimeout(ctx, limit)
	p := &patient{inner, make(chan struct{})}
	context.AfterFunc(inner, func() {
		select {
		case <-there:
		case <-ctx.Done():
		}
		close(p.ended)
	})
	return p, cancel
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reasonOf is why a body has no end whose reading failed so.
func reasonOf(errType string) string {
	if errType == entry.ErrorCanceled || errType == entry.ErrorBodyTimeout {
		return "unread"
	}
	return "broken off"
}

func TestFailures(t *testing.T) {
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			rec := newRecorder(t)
			rt := f.base
			if rt == nil {
				tr := base(t)
				if f.setup != nil {
					f.setup(t, tr)
				}
				rt = tr
			}
			url := f.url(t)
			if f.phase == "waiting for a connection" { // take the only one
				resp, err := rt.RoundTrip(request(t, t.Context(), http.MethodGet, url, nil))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
			}
			client := &http.Client{Transport: rec.transport(t, rt, nil), Timeout: f.client}
			ctx := t.Context()
			if f.ctx != nil {
				c, cancel := f.ctx(ctx)
				defer cancel()
				ctx = c
			}
			var body io.Reader
			method := http.MethodGet
			if f.body != nil {
				body, method = f.body(), http.MethodPost
			}
			resp, err := client.Do(request(t, ctx, method, url, body))
			if f.inBody {
				if err != nil {
					t.Fatalf("before the body: %v", err)
				}
				if f.came != nil {
					f.came()
				}
				_, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
			if err == nil {
				t.Fatal("no error")
			}
			if f.is != nil && !errors.Is(err, f.is) {
				t.Errorf("error %v, want one that is %v", err, f.is)
			}
			var ne net.Error
			if got := errors.As(err, &ne) && ne.Timeout(); got != f.timeout {
				t.Errorf("error %v: Timeout() %v, want %v", err, got, f.timeout)
			}

			e := rec.only(t)
			if e.Error.Type != f.want || !strings.Contains(e.Message, f.phase) || !strings.Contains(e.Error.Message, f.phase) || !strings.Contains(e.Error.Message, f.limit) {
				t.Errorf("type %q, want %q\nmessage %q, want %q in it\nerror %q, want %q and %q in it", e.Error.Type, f.want, e.Message, f.phase, e.Error.Message, f.phase, f.limit)
			}
			if f.phase == "waiting for response headers" && e.Timings.Wait <= 0 {
				t.Errorf("timings %+v: the wait that failed is not among them", e.Timings)
			}
			if strings.Contains(e.Message, "secret") {
				t.Errorf("the query is in the message: %q", e.Message)
			}
			if reason := e.Response.Body.Reason; f.inBody && reason != reasonOf(f.want) {
				t.Errorf("the body's reason is %q", reason)
			}
			if want := f.inBody; (e.HTTP.Status == 200) != want {
				t.Errorf("status %d", e.HTTP.Status)
			}
			if f.want == entry.ErrorCanceled != (e.Severity == entry.SeverityWarning) {
				t.Errorf("severity %v", e.Severity)
			}
			if !e.Failed() {
				t.Error("not failed")
			}
			if hasDeadline := f.ctx != nil && f.want != entry.ErrorCanceled || f.client > 0; hasDeadline == e.HasFlag(entry.FlagNoDeadline) || hasDeadline != (e.HTTP.Deadline > 0) {
				t.Errorf("deadline %v, flags %v", e.HTTP.Deadline, e.Flags)
			}
		})
	}
}
