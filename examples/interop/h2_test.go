package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// HTTP/2 over our transport: many calls share one connection, each with its own bytes.
func TestHTTP2SharesAConnection(t *testing.T) {
	const calls = 200
	eachProtocol(t, func(t *testing.T, proto protocol) {
		server, client := newTrail(t), newTrail(t)
		var dialed atomic.Int32
		s := serve(t, proto, server.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write(bytes.Repeat(b, 100))
		})))
		s.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed.Add(1)
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
		c := client.over(t, s.transport)
		_, _ = do(t, c, request(t, http.MethodPost, s.URL, nil)) // connects
		server.one(t, entry.KindServer)
		client.one(t, entry.KindClient)
		var wait sync.WaitGroup
		for i := range calls {
			wait.Go(func() {
				sent := fmt.Appendf(nil, "call %d\n", i)
				res, err := c.Do(request(t, http.MethodPost, s.URL, bytes.NewReader(sent)))
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, bytes.Repeat(sent, 100)) {
					t.Errorf("call %d: %d bytes, %v", i, len(got), err)
				}
			})
		}
		wait.Wait()
		if n := dialed.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
		spans := map[any]*entry.Entry{}
		for _, e := range client.wait(t, entry.KindClient, calls) {
			spans[e.Span] = e
		}
		for _, e := range server.wait(t, entry.KindServer, calls) {
			if c := spans[e.Parent]; c == nil || !bytes.Equal(c.Request.Body.Content, e.Request.Body.Content) || !bytes.Equal(c.Response.Body.Content, e.Response.Body.Content) {
				t.Fatalf("%s: the client's entry is another one", e.Message)
			}
		}
	}, h2, h2c)
}

// Both directions of a call stream at the same time, with trailers at both ends.
func TestHTTP2FullDuplex(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto protocol) {
		server, client := newTrail(t), newTrail(t)
		s := serve(t, proto, server.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			rc := http.NewResponseController(w)
			_ = rc.Flush()
			buf, sum := make([]byte, 1<<10), 0
			for {
				n, err := r.Body.Read(buf)
				sum += n
				_, _ = w.Write(bytes.ToUpper(buf[:n]))
				_ = rc.Flush()
				if err != nil {
					break
				}
			}
			w.Header().Set("X-Sum", fmt.Sprint(sum, " ", r.Trailer.Get("X-Asked")))
		})))
		pr, pw := io.Pipe()
		req := request(t, http.MethodPost, s.URL, pr)
		req.Trailer = http.Header{"X-Asked": nil}
		res, err := client.over(t, s.transport).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got := make([]byte, 4)
		for range 50 { // each piece comes back before the next one is sent
			if _, err := pw.Write([]byte("ping")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != "PING" {
				t.Fatalf("%q, %v", got, err)
			}
		}
		req.Trailer.Set("X-Asked", "yes") // may be set until the body's end
		if err := pw.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := res.Body.Read(got); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes, %v, want the end", n, err)
		}
		const want = "200 yes"
		if got := res.Trailer.Get("X-Sum"); got != want {
			t.Errorf("trailer %q, want %q", got, want)
		}
		for who, e := range map[string]*entry.Entry{"server": server.one(t, entry.KindServer), "client": client.one(t, entry.KindClient)} {
			if field(e.Response.Trailers, "X-Sum") != want || field(e.Request.Trailers, "X-Asked") != "yes" || e.Request.Body.Size != 200 || e.Response.Body.Size != 200 {
				t.Errorf("%s: trailers %v and %v, %d and %d bytes", who, e.Request.Trailers, e.Response.Trailers, e.Request.Body.Size, e.Response.Body.Size)
			}
		}
	}, h2, h2c)
}
