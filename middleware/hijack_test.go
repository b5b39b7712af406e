package middleware_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/net/netutil"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// wrapping is a listener whose connections are not net's own.
type wrapping struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l wrapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(c), nil
}

type (
	able  struct{ net.Conn }
	named struct{ net.Conn } // which a handler of the same package may look for
)

func (able) Proxied() string { return "192.0.2.1" }

// Whatever kind of connection a handler takes over, it can do what it could do, its bytes
// are counted each way, and its end is told; one of the program's own is left alone.
func TestHijackedConnections(t *testing.T) {
	for name, c := range map[string]struct {
		network  string
		tls      bool
		limit    bool // by LimitListener
		wrap     func(net.Conn) net.Conn
		untaken  bool // it is handed over as it is
		original reflect.Type
	}{
		"TCP":     {network: "tcp", original: reflect.TypeFor[*net.TCPConn]()},
		"TLS":     {network: "tcp", tls: true, original: reflect.TypeFor[*tls.Conn]()},
		"Unix":    {network: "unix", original: reflect.TypeFor[*net.UnixConn]()},
		"bounded": {network: "tcp", limit: true, original: reflect.TypeFor[net.Conn]()},
		"able":    {network: "tcp", wrap: func(c net.Conn) net.Conn { return able{c} }, untaken: true, original: reflect.TypeFor[able]()},
		"named":   {network: "tcp", wrap: func(c net.Conn) net.Conn { return named{c} }, untaken: true, original: reflect.TypeFor[named]()},
	} {
		t.Run(name, func(t *testing.T) {
			address := "127.0.0.1:0"
			if c.network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			l, err := net.Listen(c.network, address)
			if err != nil {
				t.Skipf("SKIPPED: no %s sockets here: %v", c.network, err)
			}
			if c.wrap != nil {
				l = wrapping{l, c.wrap}
			}
			if c.limit {
				l = netutil.LimitListener(l, 10)
			}
			closed := make(chan struct{})
			wrap, rec := recording(t, middleware.Options{})
			s := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				defer close(closed)
				conn, rw, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				if got := reflect.TypeOf(conn); (got == c.original) != c.untaken {
					t.Errorf("the connection is a %v", got)
				}
				for m := range c.original.Methods() {
					if _, ok := reflect.TypeOf(conn).MethodByName(m.Name); !ok {
						t.Errorf("it has no %s", m.Name)
					}
				}
				if n := reflect.TypeOf(conn).NumMethod(); n != c.original.NumMethod() {
					t.Errorf("it has %d methods, want %d", n, c.original.NumMethod())
				}
				_, _ = rw.WriteString("hello")
				_ = rw.Flush()
				b, err := io.ReadAll(io.LimitReader(rw, 3))
				if string(b) != "abc" || err != nil {
					t.Errorf("read %q, %v", b, err)
				}
				if n, err := conn.Read(make([]byte, 2)); n != 2 || err != nil {
					t.Errorf("read %d, %v", n, err)
				}
				_, _ = conn.Write([]byte("bye"))
			})))
			s.Listener.Close()
			s.Listener = l
			if c.tls {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()

			conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if c.tls {
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own server
			}
			_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\nabc")
			if b, err := io.ReadAll(io.LimitReader(conn, 5)); string(b) != "hello" || err != nil {
				t.Fatalf("got %q, %v", b, err)
			}
			_, _ = io.WriteString(conn, "de")
			if b, err := io.ReadAll(conn); string(b) != "bye" || err != nil {
				t.Errorf("got %q, %v", b, err)
			}
			<-closed
			if c.untaken {
				rec.one(t)
				return
			}
			es := rec.wait(t, 2)
			if e := es[1]; e.Kind != entry.KindStream || e.Request.Body.Size != 5 || e.Response.Body.Size < 8 || e.Parent != es[0].Span {
				t.Errorf("%s: %d bytes in, %d out", e.Kind, e.Request.Body.Size, e.Response.Body.Size)
			}
		})
	}
}
