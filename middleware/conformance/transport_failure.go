package conformance

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

func transportFailureCases() []TransportCase {
	silent := func(conn net.Conn, _ int) {
		_, _ = io.Copy(io.Discard, conn)
	}
	half := func(conn net.Conn, _ int) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntext")
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	return []TransportCase{
		{Name: "a refused connection is a *net.OpError", Reason: "Retry libraries look for the dial's error to know that nothing was sent.", check: func(c *transportChecker) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			c.must(err)
			_ = ln.Close()
			var op *net.OpError
			if err := c.fail(c.plain(), c.request(http.MethodGet, "http://"+ln.Addr().String(), nil)); !errors.As(err, &op) || op.Op != "dial" {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "a bad certificate keeps its type", Reason: "The error says which certificate and why; people pin and report by it.", check: func(c *transportChecker) {
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS()
			c.Cleanup(srv.Close)
			var bad *tls.CertificateVerificationError
			if err := c.fail(c.plain(), c.request(http.MethodGet, srv.URL, nil)); !errors.As(err, &bad) {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "canceling ends the wait for an answer", Reason: "A caller that gave up must not hold a connection.", check: func(c *transportChecker) {
			req := c.request(http.MethodGet, c.raw(silent), nil)
			ctx, cancel := context.WithCancel(req.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			if err := c.fail(c.plain(), req.WithContext(ctx)); !errors.Is(err, context.Canceled) {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "canceling ends the wait for the body", Reason: "The context governs the whole call, its body included.", check: func(c *transportChecker) {
			req := c.request(http.MethodGet, c.raw(half), nil)
			ctx, cancel := context.WithCancel(req.Context())
			defer cancel()
			resp := c.send(c.plain(), req.WithContext(ctx))
			time.AfterFunc(20*time.Millisecond, cancel)
			if got, err := c.read(resp.Body); got != "text" || !errors.Is(err, context.Canceled) {
				c.Errorf("%q, %v", got, err)
			}
		}},
		{Name: "the cause of a cancellation is passed on", Reason: "context.WithCancelCause: the base returns the cause, and callers look for it.", check: func(c *transportChecker) {
			errCause := errors.New("cause")
			req := c.request(http.MethodGet, c.raw(silent), nil)
			ctx, cancel := context.WithCancelCause(req.Context())
			time.AfterFunc(20*time.Millisecond, func() { cancel(errCause) })
			if err := c.fail(c.plain(), req.WithContext(ctx)); !errors.Is(err, errCause) {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "a deadline is a timeout", Reason: "Callers ask net.Error's Timeout, and context.DeadlineExceeded.", check: func(c *transportChecker) {
			for _, serve := range []func(net.Conn, int){silent, half} {
				req := c.request(http.MethodGet, c.raw(serve), nil)
				ctx, cancel := context.WithTimeout(req.Context(), 200*time.Millisecond)
				resp, err := c.plain().RoundTrip(req.WithContext(ctx))
				if err == nil {
					_, err = c.read(resp.Body)
					_ = resp.Body.Close()
				}
				cancel()
				var ne net.Error
				if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
					c.Errorf("got %v", err)
				}
			}
		}},
		{Name: "http.Client's Timeout works", Reason: "The client ends calls of transports that it does not know by the request's context and Cancel.", check: func(c *transportChecker) {
			client := &http.Client{Transport: c.plain(), Timeout: 100 * time.Millisecond}
			resp, err := client.Do(c.request(http.MethodGet, c.raw(silent), nil))
			if err == nil {
				_ = resp.Body.Close()
			}
			var ne net.Error
			if !errors.As(err, &ne) || !ne.Timeout() {
				c.Errorf("got %v", err)
			}
		}},
		{Name: "Request.Cancel works", Reason: "Deprecated and still in use, by http.Client first of all.", check: func(c *transportChecker) {
			cancel := make(chan struct{})
			req := c.request(http.MethodGet, c.raw(silent), nil)
			req.Cancel = cancel //nolint:staticcheck // that is the case
			time.AfterFunc(20*time.Millisecond, func() { close(cancel) })
			_ = c.fail(c.plain(), req)
		}},
		{Name: "closing ends a Read that waits", Reason: "Close from another goroutine is how a caller gives up a body.", check: func(c *transportChecker) {
			resp := c.send(c.plain(), c.request(http.MethodGet, c.raw(half), nil))
			b := make([]byte, 4)
			_, err := io.ReadFull(resp.Body, b)
			c.must(err)
			done := make(chan error, 1)
			go func() {
				_, err := resp.Body.Read(make([]byte, 1))
				done <- err
			}()
			_ = resp.Body.Close()
			if err := transportAwait(c, done, "the Read's return"); err == nil {
				c.Errorf("a Read of a closed body succeeded")
			}
		}},
	}
}
