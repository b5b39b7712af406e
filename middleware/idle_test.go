package middleware_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/txtrail/txtrail/middleware"
)

var idleConnections = flag.Int("idle-connections", 300, "hijacked connections that TestIdleConnections holds open (a client and a server end each)")

// memory is what is in use, in bytes, without what waits to be collected.
type memory struct{ heap, stacks int64 }

func (m memory) minus(o memory) memory { return memory{m.heap - o.heap, m.stacks - o.stacks} }

func inUse() memory {
	var m runtime.MemStats
	for range 3 { // what pools hold goes with the second
		debug.FreeOSMemory()
	}
	runtime.ReadMemStats(&m)
	return memory{int64(m.HeapAlloc), int64(m.StackInuse)}
}

// idle opens n connections that a handler takes over and leaves idle, and returns
// how much memory they take.
func idle(t *testing.T, n int, wrap func(http.Handler) http.Handler, settle func()) memory {
	t.Helper()
	var taken sync.WaitGroup
	s := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// It takes more of the stack than all else here, and leaves nothing on the request.
		if r.URL.Query().Get("token") == "" {
			t.Error("no token")
		}
		taken.Add(1)
		defer taken.Done()
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_ = rw.Flush()
		_, _ = conn.Read(make([]byte, 1)) // as a WebSocket's reader waits
	})))
	conns := make([]net.Conn, 0, n)
	before := inUse()
	defer func() {
		for _, c := range conns {
			c.Close()
		}
		s.Close()
		taken.Wait()
		settle()
	}()
	for range n {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, "GET /ws?token=abcdef HTTP/1.1\r\nHost: a\r\nUser-Agent: idle/1.0\r\nConnection: Upgrade\r\nUpgrade: x\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://shop.example\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReaderSize(c, 256), nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v", res, err)
		}
	}
	settle()
	return inUse().minus(before)
}

// A connection that has been taken over may idle for hours, and there are thousands:
// what the middleware adds to each is bounded.
func TestIdleConnections(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	n := *idleConnections
	for name, o := range map[string]*middleware.Options{"watched": nil, "untouched": {Untouched: true}} {
		q := newQueue(t)
		wrap, err := middleware.New(q, o)
		if err != nil {
			t.Fatal(err)
		}
		settle := func() {
			if err := q.Flush(context.Background()); err != nil {
				t.Error(err)
			}
		}
		same := func(h http.Handler) http.Handler { return h }
		idle(t, n, wrap, settle) // the runtime's own structures fill up
		// The queue's worker keeps some memory, and the runtime fits the size of new
		// stacks to what it has seen: a single figure may be some hundred bytes off.
		var heap, stacks []int64
		for range 5 {
			bare := idle(t, n, same, settle)
			added := idle(t, n, wrap, settle).minus(bare)
			heap, stacks = append(heap, added.heap/int64(n)), append(stacks, added.stacks/int64(n))
		}
		slices.Sort(heap)
		slices.Sort(stacks)
		t.Logf("%s: %d bytes of heap added to each of %d connections (%d), and %d of stacks (%d)", name, heap[2], n, heap, stacks[2], stacks)
		if heap[2] > 1<<10 {
			t.Errorf("%s: %d bytes of heap added to each connection, want at most 1024", name, heap[2])
		}
		if stacks[2] > 1<<10 { // the least that a stack grows by is 2 KiB
			t.Errorf("%s: %d bytes of stacks added to each connection, want none", name, stacks[2])
		}
	}
}
