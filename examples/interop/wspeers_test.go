package interop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// coderEcho is a server's handler by coder/websocket.
func coderEcho(w http.ResponseWriter, r *http.Request) {
	c, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: coder.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(2 * largest)
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, b) != nil {
			return
		}
	}
}

// gorillaEcho is a server's handler by gorilla/websocket.
func gorillaEcho(w http.ResponseWriter, r *http.Request) {
	c, err := (&gorilla.Upgrader{EnableCompression: true}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	patient(c)
	for {
		kind, b, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, b) != nil {
			return
		}
	}
}

// patient gives c longer to answer a good-bye than the second that gorilla takes for
// enough, which on a busy machine it is not.
func patient(c *gorilla.Conn) {
	c.SetCloseHandler(func(code int, _ string) error {
		_ = c.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, ""), time.Now().Add(time.Minute))
		return nil
	})
}

// peer is an open WebSocket of a client, by whichever library.
type peer interface {
	// echo sends a message and returns what came back.
	echo(ctx context.Context, text bool, b []byte) (wasText bool, got []byte, err error)
	// bye closes the connection as the protocol wants it, and then the socket.
	bye() error
	gone()
}

type coderPeer struct{ *coder.Conn }

func dialCoder(ctx context.Context, client *http.Client, url string, compressed bool) (peer, error) {
	o := &coder.DialOptions{HTTPClient: client}
	if compressed {
		o.CompressionMode = coder.CompressionContextTakeover
	}
	c, res, err := coder.Dial(ctx, url, o)
	if err != nil {
		return nil, err
	}
	if got := res.Header.Get("Sec-WebSocket-Extensions") != ""; got != compressed {
		return nil, errors.Join(fmt.Errorf("compression is %v, want %v", got, compressed), c.CloseNow())
	}
	c.SetReadLimit(2 * largest)
	return coderPeer{c}, nil
}

func (c coderPeer) echo(ctx context.Context, text bool, b []byte) (bool, []byte, error) {
	kind := coder.MessageBinary
	if text {
		kind = coder.MessageText
	}
	if err := c.Write(ctx, kind, b); err != nil {
		return false, nil, err
	}
	kind, got, err := c.Read(ctx)
	return kind == coder.MessageText, got, err
}

func (c coderPeer) bye() error { return c.Close(coder.StatusNormalClosure, "enough") }
func (c coderPeer) gone()      { _ = c.CloseNow() }

type gorillaPeer struct{ *gorilla.Conn }

func dialGorilla(ctx context.Context, m *meter, url string, compressed bool) (peer, error) {
	d := gorilla.Dialer{NetDialContext: m.dial, EnableCompression: compressed}
	c, res, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if got := res.Header.Get("Sec-WebSocket-Extensions") != ""; got != compressed {
		return nil, errors.Join(fmt.Errorf("compression is %v, want %v", got, compressed), c.Close())
	}
	return gorillaPeer{c}, nil
}

func (c gorillaPeer) echo(_ context.Context, text bool, b []byte) (bool, []byte, error) {
	kind := gorilla.BinaryMessage
	if text {
		kind = gorilla.TextMessage
	}
	if err := c.WriteMessage(kind, b); err != nil {
		return false, nil, err
	}
	kind, got, err := c.ReadMessage()
	return kind == gorilla.TextMessage, got, err
}

func (c gorillaPeer) bye() error {
	err := c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "enough"))
	if err != nil {
		return err
	}
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
		return fmt.Errorf("%w, want an ordinary close", err)
	}
	return c.Close()
}

func (c gorillaPeer) gone() { c.Close() }
