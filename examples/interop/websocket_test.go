package interop

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

var connections = flag.Int("connections", 1000, "WebSockets that TestWebSockets holds open at a time")

// largest is the size of a large message, in bytes: more than all buffers on the way.
const largest = 1 << 20

// A thousand WebSockets at a time, by both libraries on both sides: every message
// comes back as it was, and one entry tells of each connection's life, with the bytes
// that went over it.
func TestWebSockets(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"coder": coderEcho, "gorilla": gorillaEcho} {
		t.Run("server "+name, func(t *testing.T) {
			t.Run("client coder", func(t *testing.T) {
				testWebSockets(t, handler, func(client, _ *trail, m *meter) func(context.Context, string, bool) (peer, error) {
					base := &http.Transport{DialContext: m.dial}
					t.Cleanup(base.CloseIdleConnections)
					c := client.over(t, base)
					return func(ctx context.Context, url string, compressed bool) (peer, error) {
						return dialCoder(ctx, c, url, compressed)
					}
				}, true, name == "gorilla")
			})
			t.Run("client gorilla", func(t *testing.T) { // which dials by itself
				testWebSockets(t, handler, func(_, _ *trail, m *meter) func(context.Context, string, bool) (peer, error) {
					return func(ctx context.Context, url string, compressed bool) (peer, error) {
						return dialGorilla(ctx, m, url, compressed)
					}
				}, false, name == "gorilla")
			})
		})
	}
}

// Over TLS a connection is another type, which is counted too: what the server has told
// of is what the client has.
func TestWebSocketOverTLS(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"coder": coderEcho, "gorilla": gorillaEcho} {
		t.Run(name, func(t *testing.T) {
			server, client := newTrail(t), newTrail(t)
			s := serve(t, https, server.wrap(handler))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			p, err := dialCoder(ctx, client.over(t, s.transport), s.URL, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(converse(ctx, p, 0), p.bye()); err != nil {
				t.Fatal(err)
			}
			p.gone()
			theirs, ours := client.one(t, entry.KindStream), server.one(t, entry.KindStream)
			received := ours.Response.Body.Size
			if name == "gorilla" {
				received -= gorillaHead
			}
			if in := ours.Request.Body.Size; in != theirs.Request.Body.Size || received != theirs.Response.Body.Size || in < largest/2 {
				t.Errorf("the server has %s; the client %s", ours.Message, theirs.Message)
			}
		})
	}
}

// testWebSockets opens connections with what dialer returns. Both says that the
// client is recorded too; headIn that the server's library writes the head of the
// answer to the connection that it has taken over.
func testWebSockets(t *testing.T, handler http.HandlerFunc,
	dialer func(client, server *trail, m *meter) func(context.Context, string, bool) (peer, error), both, headIn bool,
) {
	t.Helper()
	n := *connections
	server, client, m := newTrail(t), newTrail(t), &meter{}
	s := serve(t, http1, server.wrap(handler))
	dial := dialer(client, server, m)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	// All are open before the first one speaks, and still when the last one has.
	var opened, spoken, ended sync.WaitGroup
	opened.Add(n)
	spoken.Add(n)
	few := make(chan struct{}, 64) // connecting at a time, or parting: no test of a busy machine
	for i := range n {
		ended.Go(func() {
			few <- struct{}{}
			p, err := dial(ctx, s.URL+"/room?n="+fmt.Sprint(i), i%10 == 0)
			<-few
			opened.Done()
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				spoken.Done()
				return
			}
			opened.Wait()
			err = converse(ctx, p, i)
			spoken.Done()
			spoken.Wait()
			if err == nil {
				few <- struct{}{} // coder waits 5 s at most for the other side's good-bye
				err = p.bye()
				<-few
			}
			p.gone()
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
			}
		})
	}
	ended.Wait()
	if t.Failed() {
		return
	}

	counts := m.counts()
	if len(counts) != n {
		t.Fatalf("%d connections, want %d", len(counts), n)
	}
	var want []count
	for _, c := range counts {
		if headIn {
			c.received += c.head
		}
		c.head = 0
		want = append(want, c)
	}
	exchanges := server.wait(t, entry.KindServer, n)
	lives := server.wait(t, entry.KindStream, n)
	same(t, "the server's", lives, want, func(e *entry.Entry) count {
		return count{sent: e.Request.Body.Size, received: e.Response.Body.Size}
	})
	status := http.StatusSwitchingProtocols
	if headIn {
		status = 0 // which went out over the connection, unread
	}
	paired(t, status, exchanges, lives)
	if both {
		for i, c := range counts {
			c.head = 0
			want[i] = c
		}
		exchanges := client.wait(t, entry.KindClient, n)
		lives := client.wait(t, entry.KindStream, n)
		same(t, "the client's", lives, want, func(e *entry.Entry) count {
			return count{sent: e.Request.Body.Size, received: e.Response.Body.Size}
		})
		paired(t, http.StatusSwitchingProtocols, exchanges, lives)
	}
}

// converse echoes messages of all kinds.
func converse(ctx context.Context, p peer, i int) error {
	rnd := rand.New(rand.NewPCG(1, uint64(i))) //nolint:gosec // the same in every run
	sizes := []int{0, 1, 125, 126, 1000, 5000}
	if i%50 == 0 {
		sizes = append(sizes, 70_000, largest)
	}
	for k, size := range sizes {
		b := make([]byte, size)
		for j := range b {
			b[j] = byte('a' + rnd.IntN(16))
		}
		text := k%2 == 0
		if !text && size > 0 {
			b[0], b[size-1] = 0xff, 0 // not to be taken for text
		}
		wasText, got, err := p.echo(ctx, text, b)
		if err != nil {
			return fmt.Errorf("message %d of %d bytes: %w", k, size, err)
		}
		if wasText != text || !bytes.Equal(got, b) {
			return fmt.Errorf("message %d of %d bytes (text: %v): %d came back (text: %v)", k, size, text, len(got), wasText)
		}
	}
	return nil
}

// same compares the sizes in entries with what went over the connections.
func same(t *testing.T, whose string, es []*entry.Entry, want []count, of func(*entry.Entry) count) {
	t.Helper()
	var got []count
	for _, e := range es {
		got = append(got, of(e))
	}
	for _, s := range [][]count{got, want} {
		slices.SortFunc(s, func(a, b count) int { return cmp.Or(cmp.Compare(a.sent, b.sent), cmp.Compare(a.received, b.received)) })
	}
	differ := 0
	for i := range want {
		if got[i] != want[i] {
			if differ++; differ < 10 {
				t.Errorf("%s entry: %d bytes in, %d out; over the connection went %d and %d", whose, got[i].sent, got[i].received, want[i].sent, want[i].received)
			}
		}
	}
	if differ > 0 {
		t.Errorf("%s entries: %d of %d have wrong sizes", whose, differ, len(want))
	}
}

// paired wants one life for each exchange, in the same scenario and below it.
func paired(t *testing.T, status int, exchanges, lives []*entry.Entry) {
	t.Helper()
	parents := map[string]int{}
	for _, e := range exchanges {
		if e.HTTP.Status != status || e.Error.Type != "" || e.Kind == entry.KindServer && !e.HasFlag(entry.FlagHijacked) {
			t.Fatalf("%s: status %d, want %d, %v, %s %s", e.Message, e.HTTP.Status, status, e.Flags, e.Error.Type, e.Error.Message)
		}
		parents[fmt.Sprint(e.TxID, e.Span)]++
	}
	for _, e := range lives {
		if e.Error.Type != "" {
			t.Errorf("%s: %s %s", e.Message, e.Error.Type, e.Error.Message)
		}
		parents[fmt.Sprint(e.TxID, e.Parent)]--
	}
	for key, n := range parents {
		if n != 0 {
			t.Errorf("%s: an exchange and a life do not go together: %d", key, n)
		}
	}
}
