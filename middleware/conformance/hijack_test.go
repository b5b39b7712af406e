package conformance

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// halfTCP is a connection that forwards some of what a TCP connection can.
type halfTCP struct {
	net.Conn
	tcp *net.TCPConn
}

func (c halfTCP) CloseWrite() error                   { return c.tcp.CloseWrite() }
func (c halfTCP) ReadFrom(r io.Reader) (int64, error) { return c.tcp.ReadFrom(r) }
func (c halfTCP) WriteTo(w io.Writer) (int64, error)  { return c.tcp.WriteTo(w) }
func (c halfTCP) SetNoDelay(on bool) error            { return c.tcp.SetNoDelay(on) }
func (c halfTCP) SetKeepAlive(on bool) error          { return c.tcp.SetKeepAlive(on) }
func (c halfTCP) SetLinger(seconds int) error         { return c.tcp.SetLinger(seconds) }
func (c halfTCP) File() (*os.File, error)             { return c.tcp.File() }
func (w halfWriter) Unwrap() http.ResponseWriter      { return w.ResponseWriter }

type halfWriter struct{ http.ResponseWriter }

func (w halfWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.ResponseWriter.(http.Hijacker).Hijack()
	if tcp, ok := conn.(*net.TCPConn); ok {
		conn = halfTCP{conn, tcp}
	}
	return conn, rw, err
}

// What a hijacked connection can not do any more is named by what it is: here the
// descriptor is missing, and nothing else.
func TestHijackedConnectionNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	k := Cases()[slices.IndexFunc(Cases(), func(k Case) bool { return k.Name == "HijackedConnectionCanDoAll" })]
	failures := examine(t.Context(), 10*time.Second, k.Reason, func(c *collector) {
		k.run(c, http1, 10*time.Second, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(halfWriter{w}, r) })
		})
	})
	if len(failures) != 1 || !strings.HasPrefix(failures[0], "SyscallConn: false") {
		t.Errorf("%q, want the missing SyscallConn alone", failures)
	}
}
