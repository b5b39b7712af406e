package tcpsent_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/txtrail/txtrail/internal/tcpsent"
)

// pipe returns both ends of a connection.
func pipe(t testing.TB) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

func TestBytes(t *testing.T) {
	near, far := pipe(t)
	if n := tcpsent.Bytes(near); n != 0 {
		t.Errorf("%d bytes before the first one", n)
	}
	if _, err := io.WriteString(near, "hello"); err != nil {
		t.Fatal(err)
	}
	bufs := net.Buffers{[]byte("a"), []byte("bc"), bytes.Repeat([]byte("d"), 997)}
	if _, err := bufs.WriteTo(near); err != nil {
		t.Fatal(err)
	}
	// The other side has read nothing yet, and what it sends does not count.
	if _, err := io.WriteString(far, "from the other side"); err != nil {
		t.Fatal(err)
	}
	if n := tcpsent.Bytes(near); n != 1005 {
		t.Errorf("%d bytes, want 1005", n)
	}
	if n := tcpsent.Bytes(far); n != 19 {
		t.Errorf("%d bytes from the other side, want 19", n)
	}
	// Neither does the end of the connection.
	if err := near.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(far); err != nil || len(got) != 1005 {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if n := tcpsent.Bytes(near); n != 1005 {
		t.Errorf("%d bytes after the end, want 1005", n)
	}
	near.Close()
	if n := tcpsent.Bytes(near); n != -1 {
		t.Errorf("%d bytes of a closed connection, want -1", n)
	}
}

// What the other side does not take waits here, and has been written all the same.
func TestBytesThatWait(t *testing.T) {
	near, _ := pipe(t)
	if err := near.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	written, err := near.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v, want no room for more", written, err)
	}
	if n := tcpsent.Bytes(near); n != int64(written) {
		t.Errorf("%d bytes, want %d", n, written)
	}
}

func Example() {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	c, err := net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	bufs := net.Buffers{[]byte("he"), []byte("llo")}
	if _, err := bufs.WriteTo(c); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tcpsent.Bytes(c))
	// Output: 5
}
