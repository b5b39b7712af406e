package fibertx_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/adapter/fiber"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// A proxy may append the address of its client as a line of its own, and last. However
// many fields the client has sent before it: that line counts, whoever is asked about the
// request sees it, and the entry keeps its bounds.
func TestTheLastFieldCounts(t *testing.T) {
	const last = "203.0.113.9"
	fields := func(h http.Header) string { return strings.Join(h.Values("X-Forwarded-For"), ", ") }
	for _, filler := range []string{"", strings.Repeat("A: 1\r\n", 2*entry.MaxHeaders+1), "B: " + strings.Repeat("b", 2*entry.MaxHeaderBytes) + "\r\n"} {
		var trusted, skipped string
		p, err := txid.NewPropagator(&txid.Options{Trust: func(r *http.Request, _ txid.ID) bool { trusted = fields(r.Header); return true }})
		if err != nil {
			t.Fatal(err)
		}
		url, mem := serve(t, &fibertx.Options{
			Propagator: p, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Skip: func(r *http.Request) bool { skipped = fields(r.Header); return false },
		}, fiber.Config{ReadBufferSize: 1 << 20}, func(app *fiber.App) {
			app.Get("/", func(c fiber.Ctx) error { return c.SendString("ok") })
		})
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Transaction-Id: abcd-1234\r\nX-Forwarded-For: 6.6.6.6\r\n%sX-Forwarded-For: %s\r\nConnection: close\r\n\r\n", filler, last)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
			t.Fatalf("%.40q, %v", answer, err)
		}
		_ = conn.Close()
		e := entries(t, mem, 1)[0]
		if e.HTTP.RemoteIP != last {
			t.Errorf("%d bytes of filler: the client is %s, want %s", len(filler), e.HTTP.RemoteIP, last)
		}
		if want := "6.6.6.6, " + last; trusted != want || skipped != want {
			t.Errorf("%d bytes of filler: Trust saw %q and Skip %q, want %q", len(filler), trusted, skipped, want)
		}
		if n := len(e.Request.Headers); n > entry.MaxHeaders+1 {
			t.Errorf("%d fields are kept", n)
		}
	}
}
