package interop

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestMain(m *testing.M) {
	if role() { // a child process of TestConstantMemory
		return
	}
	goleak.VerifyTestMain(m)
}

// trail records one service into memory.
type trail struct {
	queue  *sink.Queue
	memory sinktest.Memory
	wrap   func(http.Handler) http.Handler
}

func newTrail(t testing.TB) *trail {
	t.Helper()
	tr := &trail{}
	var err error
	if tr.queue, err = sink.NewQueue(&tr.memory, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := tr.queue.Close(ctx); err != nil {
			t.Error(err)
		}
		if s := tr.queue.Stats(); s.Captured != s.Delivered || s.Unclean != 0 {
			t.Errorf("not all was recorded: %+v", s)
		}
	})
	if tr.wrap, err = middleware.New(tr.queue, nil); err != nil {
		t.Fatal(err)
	}
	return tr
}

// over returns a recorded client over base.
func (tr *trail) over(t testing.TB, base http.RoundTripper) *http.Client {
	t.Helper()
	rt, err := outbound.NewTransport(base, tr.queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: rt}
}

// wait returns the entries of a kind once there are n of them, which is an error if
// there are more.
func (tr *trail) wait(t testing.TB, kind entry.Kind, n int) []*entry.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		if err := tr.queue.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		all := tr.memory.Entries()
		of := slices.DeleteFunc(slices.Clone(all), func(e *entry.Entry) bool { return e.Kind != kind })
		switch {
		case len(of) > n:
			t.Fatalf("%d entries of kind %s, want %d: %s", len(of), kind, n, messages(of))
		case len(of) == n:
			return of
		}
		if err := tr.memory.Wait(ctx, len(all)+1); err != nil {
			t.Fatalf("%d entries of kind %s, want %d: %s", len(of), kind, n, messages(all))
		}
	}
}

// one returns the one entry of a kind and forgets it, and all others.
func (tr *trail) one(t testing.TB, kind entry.Kind) *entry.Entry {
	t.Helper()
	e := tr.wait(t, kind, 1)[0]
	tr.memory.Reset()
	return e
}

func messages(es []*entry.Entry) string {
	var b strings.Builder
	for i, e := range es {
		if i == 20 {
			b.WriteString("\n…")
			break
		}
		b.WriteString("\n" + string(e.Kind) + ": " + e.Message + " " + e.Error.Type + " " + e.Error.Message)
	}
	return b.String()
}

// protocol is one of the ways to speak HTTP.
type protocol string

const (
	http1 protocol = "HTTP1"
	https protocol = "HTTPS" // HTTP/1.1 over TLS
	h2    protocol = "H2"
	h2c   protocol = "H2C"
)

var protocols = []protocol{http1, h2, h2c}

// server is a running server and a transport that speaks its protocol.
type server struct {
	*httptest.Server
	transport *http.Transport
}

func serve(t testing.TB, proto protocol, h http.Handler) *server {
	t.Helper()
	return serveOn(t, proto, h, func(l net.Listener) net.Listener { return l })
}

// serveOn is serve with something put around the listener.
func serveOn(t testing.TB, proto protocol, h http.Handler, around func(net.Listener) net.Listener) *server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Listener = around(s.Listener)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // some handlers panic on purpose
	s.Config.ConnContext = middleware.ConnContext
	tr := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
	switch proto {
	case h2, https:
		s.EnableHTTP2 = proto == h2
		s.StartTLS()
		tr.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		tr.ForceAttemptHTTP2 = proto == h2
	case h2c:
		var p http.Protocols
		p.SetUnencryptedHTTP2(true)
		s.Config.Protocols, tr.Protocols = &p, &p
		s.Start()
	default:
		s.Start()
	}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		s.Close()
	})
	return &server{s, tr}
}

// eachProtocol runs a test over those given, or all.
func eachProtocol(t *testing.T, test func(*testing.T, protocol), over ...protocol) {
	t.Helper()
	if len(over) == 0 {
		over = protocols
	}
	for _, p := range over {
		t.Run(string(p), func(t *testing.T) { test(t, p) })
	}
}

func request(t testing.TB, method, url string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

// do sends a request and reads the whole answer.
func do(t testing.TB, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// field returns a header's first value in an entry, or "".
func field(fields []entry.Header, name string) string {
	for _, f := range fields {
		if http.CanonicalHeaderKey(f.Name) == http.CanonicalHeaderKey(name) {
			return f.Value
		}
	}
	return ""
}

// soon is how long something may take that is to happen at once, on a machine that
// is busy with other things.
const soon = 20 * time.Second

// recv returns what comes over c.
func recv[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(soon):
		t.Fatalf("%s: nothing came in %v", what, soon)
		panic("unreachable")
	}
}
