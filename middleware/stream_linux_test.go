package middleware_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// net.Buffers, by which WebSocket libraries send large messages, reach the connection
// behind our back and by one system call. That is to stay, and their bytes count.
func TestBuffersAreCounted(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		for range 3 {
			bufs := net.Buffers{[]byte("head"), bytes.Repeat([]byte("x"), 10_000)}
			if _, err := bufs.WriteTo(conn); err != nil {
				t.Error(err)
			}
		}
	})
	// What went over the connection before it was taken is not the stream's.
	c := raw(t, s, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	e := rec.wait(t, 2)[1]
	if want := int64(len(got)); e.Kind != entry.KindStream || e.Response.Body.Size != want || want < 30_000 {
		t.Errorf("%s entry: %d bytes out, %d came", e.Kind, e.Response.Body.Size, want)
	}
}

// The same on a connection that has served a request before.
func TestBuffersAfterARequest(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			_, _ = io.WriteString(w, "an answer")
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		bufs := net.Buffers{[]byte("he"), []byte("llo")}
		if _, err := bufs.WriteTo(conn); err != nil {
			t.Error(err)
		}
	})
	c := raw(t, s, "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	if e := rec.wait(t, 3)[2]; e.Kind != entry.KindStream || e.Response.Body.Size != 5 {
		t.Errorf("%s entry: %d bytes out, want 5", e.Kind, e.Response.Body.Size)
	}
}
