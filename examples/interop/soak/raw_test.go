package soak

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// trickle sends a body in small pieces, or only half of it.
func trickle(half bool) func(context.Context, *users, *rand.Rand) error {
	return func(ctx context.Context, u *users, _ *rand.Rand) error {
		conn, err := u.dial(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n")
		pieces := 8
		if half {
			pieces = 4
		}
		for range pieces {
			if _, err := io.WriteString(conn, `"abc"`); err != nil {
				return err
			}
			time.Sleep(3 * time.Millisecond)
		}
		if half {
			return nil
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil && len(b) != 40 {
			err = fmt.Errorf("%d bytes, want 40", len(b))
		}
		return err
	}
}

// expect waits for the server's word before it sends a body.
func expect(ctx context.Context, u *users, _ *rand.Rand) error {
	conn, err := u.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n")
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		return fmt.Errorf("%q, %w, want 100", line, err)
	}
	if _, err := r.ReadString('\n'); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		return err
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && string(b) != "hello" {
		err = fmt.Errorf("%q came back", b)
	}
	return err
}

func (u *users) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.s.plain.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(time.Minute))
}
