package outbound_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
)

// countedConn counts what is written to a connection. It has no ReadFrom.
type countedConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// counted makes tr count what it writes.
func counted(tr *http.Transport) *atomic.Int32 {
	var writes atomic.Int32
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return countedConn{conn, &writes}, err
	}
	return &writes
}

// inMemory returns a body of each kind that net/http knows to be in memory.
func inMemory(size int) map[string]io.Reader {
	return map[string]io.Reader{
		"bytes.Buffer":   bytes.NewBuffer(make([]byte, size)),
		"bytes.Reader":   bytes.NewReader(make([]byte, size)),
		"strings.Reader": strings.NewReader(strings.Repeat("x", size)),
		"NopCloser":      io.NopCloser(bytes.NewReader(make([]byte, size))),
	}
}

// A body in memory leaves in as many writes as without us, and framed as without us,
// whatever its size and whether it is declared.
func TestAsManyWrites(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, r.ContentLength, r.TransferEncoding, n)
	}))
	defer srv.Close()
	sizes := []int{0, 1, 1000, 3500, 3700, 3800, 3850, 3900, 3950, 4000, 4096, 5000, 10000, 32 << 10, 100_000, 1 << 20}
	for _, size := range sizes {
		for _, declared := range []int64{int64(size), 0, -1} {
			for kind := range inMemory(0) {
				var got [2]string
				for i := range got {
					tr := base(t)
					writes := counted(tr)
					var rt http.RoundTripper = tr
					if i == 1 {
						rec := newRecorder(t)
						rt = rec.transport(t, tr, &outbound.Options{Propagator: silent(t)})
					}
					req := request(t, t.Context(), http.MethodPost, srv.URL, nil)
					req.Body = io.NopCloser(inMemory(size)[kind])
					req.ContentLength = declared
					resp, err := rt.RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					seen := drain(t, resp)
					got[i] = fmt.Sprintf("%d writes, the server saw %s", writes.Load(), seen)
					tr.CloseIdleConnections()
				}
				if got[0] != got[1] {
					t.Errorf("%s of %d bytes, declared %d: %s; without us %s", kind, size, declared, got[1], got[0])
				}
			}
		}
	}
}

// A body in memory that has another length than declared fails as without us: as little
// of it reaches the server, and the error reads the same. The entry says whose fault it is.
func TestWrongLength(t *testing.T) {
	for _, secure := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		srv.Config.ErrorLog = discardLog()
		if secure {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		t.Cleanup(srv.Close)
		for _, c := range []struct {
			size     int
			declared int64
		}{
			{5, 6},
			{0, 1},
			{100, 99},
			{3500, 3501},
			{3000, 2000},
			{5000, 6000},
			{100_000, 100_001},
			{1 << 20, 5},
		} {
			var errs [2]error
			var writes [2]int32
			for i := range errs {
				tr := base(t)
				if secure {
					tr.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
				}
				n := counted(tr)
				rec := newRecorder(t)
				var rt http.RoundTripper = tr
				if i == 1 {
					rt = rec.transport(t, tr, &outbound.Options{Propagator: silent(t)})
				}
				req := request(t, t.Context(), http.MethodPost, srv.URL, nil)
				req.Body = io.NopCloser(bytes.NewReader(make([]byte, c.size)))
				req.ContentLength = c.declared
				resp, err := rt.RoundTrip(req)
				if err == nil {
					_ = resp.Body.Close()
					t.Fatalf("TLS %v, %d of %d bytes: no error", secure, c.size, c.declared)
				}
				errs[i], writes[i] = err, n.Load()
				if i == 0 {
					continue
				}
				if e := rec.only(t); e.Error.Type != entry.ErrorRequestBody || e.Request.Body.Size != -1 || e.Request.Body.Reason != "not sent to its end" || !e.Request.Body.Truncated {
					t.Errorf("TLS %v, %d of %d bytes: %+v, %d bytes, reason %q", secure, c.size, c.declared, e.Error, e.Request.Body.Size, e.Request.Body.Reason)
				}
			}
			if errs[0].Error() != errs[1].Error() {
				t.Errorf("TLS %v, %d of %d bytes: %v; without us %v", secure, c.size, c.declared, errs[1], errs[0])
			}
			// Over TLS the connection may be told that it ends.
			if writes[0] != writes[1] && !secure {
				t.Errorf("%d of %d bytes: %d writes, without us %d", c.size, c.declared, writes[1], writes[0])
			}
		}
	}
}

// A wrong length is not the reason why nobody was reached.
func TestWrongLengthUnsent(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	rec := newRecorder(t)
	req := request(t, t.Context(), http.MethodPost, "http://"+ln.Addr().String(), strings.NewReader("text"))
	req.ContentLength = 10
	if _, err := rec.transport(t, base(t), nil).RoundTrip(req); err == nil {
		t.Fatal("no error")
	}
	if e := rec.only(t); e.Error.Type != entry.ErrorRefused || e.Request.Body.Size != 0 || e.Request.Body.Reason != "not sent" {
		t.Errorf("%+v, %+v", e.Error, e.Request.Body)
	}
}
