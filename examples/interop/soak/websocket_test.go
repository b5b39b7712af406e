package soak

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// coderEcho speaks over a recorded transport, or a bare one.
func coderEcho(ctx context.Context, u *users, rnd *rand.Rand) error {
	client, path := u.http[0], "/coder"
	if rnd.IntN(2) == 0 {
		client = u.ours[0]
	}
	if rnd.IntN(2) == 0 {
		path = "/gorilla"
	}
	c, res, err := coder.Dial(ctx, u.s.plain.URL+path, &coder.DialOptions{HTTPClient: client, CompressionMode: coder.CompressionNoContextTakeover})
	if err != nil {
		return err
	}
	_ = res.Body // the connection has it
	defer func() { _ = c.CloseNow() }()
	for range 3 {
		sent := document(rnd, 2<<10)
		if err := c.Write(ctx, coder.MessageText, sent); err != nil {
			return err
		}
		kind, got, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if kind != coder.MessageText || !bytes.Equal(got, sent) {
			return fmt.Errorf("%d bytes of type %d came back", len(got), kind)
		}
	}
	return c.Close(coder.StatusNormalClosure, "")
}

// gorillaEcho says good-bye, or just leaves.
func gorillaEcho(politely bool) func(context.Context, *users, *rand.Rand) error {
	return func(ctx context.Context, u *users, rnd *rand.Rand) error {
		url := "ws" + strings.TrimPrefix(u.s.plain.URL, "http") + "/gorilla"
		c, res, err := (&gorilla.Dialer{EnableCompression: rnd.IntN(2) == 0}).DialContext(ctx, url, nil)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		defer c.Close()
		for range 3 {
			sent := document(rnd, 20<<10)
			if err := c.WriteMessage(gorilla.BinaryMessage, sent); err != nil {
				return err
			}
			_, got, err := c.ReadMessage()
			if err != nil {
				return err
			}
			if !bytes.Equal(got, sent) {
				return fmt.Errorf("%d bytes came back", len(got))
			}
		}
		if !politely {
			return nil
		}
		bye := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "")
		if err := c.WriteMessage(gorilla.CloseMessage, bye); err != nil {
			return err
		}
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
			return fmt.Errorf("%v, want an ordinary close", err) //nolint:errorlint // whatever it is
		}
		return nil
	}
}
