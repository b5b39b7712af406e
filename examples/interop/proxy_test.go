package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// chain is a client, a proxy and a backend: all recorded, or none.
type chain struct {
	client, proxy, backend *trail
	http                   *http.Client
	meter                  *meter // of the client's connections, over HTTP/1
	url                    string
	front                  *server
}

// newChain starts them. The client speaks front to the proxy, which speaks back to the
// backend.
func newChain(t testing.TB, recorded bool, front, back protocol, h http.Handler) *chain {
	t.Helper()
	c := &chain{meter: &meter{}}
	wrap := func(**trail) func(http.Handler) http.Handler { return func(h http.Handler) http.Handler { return h } }
	over := func(_ *trail, rt http.RoundTripper) *http.Client { return &http.Client{Transport: rt} }
	if recorded {
		wrap = func(tr **trail) func(http.Handler) http.Handler {
			*tr = newTrail(t)
			return (*tr).wrap
		}
		over = func(tr *trail, rt http.RoundTripper) *http.Client { return tr.over(t, rt) }
		c.client = newTrail(t)
	}
	backend := serve(t, back, wrap(&c.backend)(h))
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = "backend.internal" // the same each time
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	middle := wrap(&c.proxy)(proxy)
	proxy.Transport = over(c.proxy, backend.transport).Transport
	s := serve(t, front, middle)
	c.front = s
	if front == http1 {
		s.transport.DialContext = c.meter.dial
	}
	c.http = over(c.client, s.transport)
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.url = s.URL
	return c
}

// backend is what stands behind the proxies.
func backend() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items":[1,2,3],"password":"hunter2"}`)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// Without a type it is a matter of luck whether the proxy's server finds one: the
		// proxy flushes the head and the body from two goroutines.
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b)
	})
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Location", "/json")
		w.WriteHeader(code)
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Add("Link", "</script.js>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>page</p>")
	})
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "a body")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("X-Sum", fmt.Sprint(len(b)))
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "too")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 500 {
			_, _ = w.Write(bytes.Repeat([]byte{byte(i)}, 10_000))
		}
	})
	mux.HandleFunc("/abort", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 100_000))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not that much", http.StatusRequestEntityTooLarge)
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Forwarded-Proto", "Accept", "X-Many", "Connection", "Te", "User-Agent"} {
			fmt.Fprintf(w, "%s: %q\n", name, r.Header.Values(name))
		}
		fmt.Fprintln(w, r.Host, r.Method, r.URL, r.ContentLength)
	})
	return mux
}

// ReverseProxy behaves alike with the middleware around it, our transport beneath it, a
// recorded backend behind it, and a recorded client before it.
func TestReverseProxy(t *testing.T) {
	type ask struct {
		name, method, path string
		body               func() io.Reader
		header             []string
	}
	sized := func(n int) func() io.Reader {
		return func() io.Reader { return bytes.NewReader(bytes.Repeat([]byte(`{"n":1} `), n/8)) }
	}
	asks := []ask{
		{"json", "GET", "/json", nil, nil},
		{"head", "HEAD", "/json", nil, nil},
		{"post", "POST", "/echo", sized(1 << 10), []string{"Content-Type", "application/json"}},
		{"a large post", "POST", "/echo", sized(1 << 20), []string{"Content-Type", "application/octet-stream"}},
		{"a post of unknown length", "POST", "/echo", func() io.Reader { return io.MultiReader(sized(100_000)()) }, nil},
		{"an empty post", "POST", "/echo", func() io.Reader { return http.NoBody }, nil},
		{"204", "GET", "/status/204", nil, nil},
		{"304", "GET", "/status/304", nil, []string{"If-None-Match", `"v1"`}},
		{"302", "GET", "/status/302", nil, nil},
		{"404", "GET", "/nowhere", nil, nil},
		{"503", "GET", "/status/503", nil, nil},
		{"hints", "GET", "/hints", nil, nil},
		{"large", "GET", "/large", nil, nil},
		{"abort", "GET", "/abort", nil, nil},
		{"refused", "POST", "/refuse", sized(1 << 10), []string{"Expect", "100-continue"}},
		{"expected", "POST", "/echo", sized(1 << 10), []string{"Expect", "100-continue"}},
		{"headers", "GET", "/headers?a=1&b=%20", nil, []string{"Accept", "text/plain", "X-Many", "1", "X-Many", "2", "Te", "trailers"}},
		{"options", "OPTIONS", "/headers", nil, nil},
	}
	for _, over := range [][2]protocol{{http1, http1}, {h2, http1}, {http1, h2c}, {h2c, h2}} {
		t.Run(string(over[0]+"-"+over[1]), func(t *testing.T) {
			bare := newChain(t, false, over[0], over[1], backend())
			ours := newChain(t, true, over[0], over[1], backend())
			for _, a := range asks {
				both := [2]seen{}
				for i, c := range []*chain{bare, ours} {
					var body io.Reader
					if a.body != nil {
						body = a.body()
					}
					req := request(t, a.method, c.url+a.path, body, a.header...)
					req.Header.Set("User-Agent", "interop/1.0")
					both[i] = look(t, c.http, req)
				}
				alike(t, a.name, both[0], both[1])
				ours.onePath(t, a.name)
			}
			testProxyTrailers(t, bare, ours)
		})
	}
}

func testProxyTrailers(t *testing.T, bare, ours *chain) {
	t.Helper()
	both := [2]seen{}
	for i, c := range []*chain{bare, ours} {
		req := request(t, http.MethodPost, c.url+"/trailers", io.MultiReader(strings.NewReader("asked")), "Te", "trailers")
		both[i] = look(t, c.http, req)
	}
	alike(t, "trailers", both[0], both[1])
	if got := both[1].Trailer.Get("X-Sum"); got != "5" || both[1].Trailer.Get("X-Unannounced") != "too" {
		t.Errorf("trailers: %v", both[1].Trailer)
	}
	for _, e := range ours.onePath(t, "trailers") {
		if got := field(e.Response.Trailers, "X-Sum"); got != "5" {
			t.Errorf("%s entry: trailers %v", e.Kind, e.Response.Trailers)
		}
	}
}

// onePath wants the four entries of an exchange, from the client to the backend, each
// below the one before and all in one scenario.
func (c *chain) onePath(t *testing.T, what string) []*entry.Entry {
	t.Helper()
	// The proxy's two entries come in any order.
	in, out := c.proxy.wait(t, entry.KindServer, 1)[0], c.proxy.wait(t, entry.KindClient, 1)[0]
	path := []*entry.Entry{c.client.one(t, entry.KindClient), in, out, c.backend.one(t, entry.KindServer)}
	c.proxy.memory.Reset()
	for i, e := range path[1:] {
		if e.TxID != path[0].TxID || e.Parent != path[i].Span {
			t.Errorf("%s: %s (%s) is not below %s (%s)", what, e.Message, e.Kind, path[i].Message, path[i].Kind)
		}
		if e.HTTP.Status != path[0].HTTP.Status {
			t.Errorf("%s: %s: status %d, the client had %d", what, e.Message, e.HTTP.Status, path[0].HTTP.Status)
		}
	}
	return path
}

// WebSockets through the proxy: the bytes are right, and the four lives that are told
// of are of the same size.
func TestReverseProxyWebSocket(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{"coder": coderEcho, "gorilla": gorillaEcho} {
		for _, client := range []string{"coder", "gorilla"} {
			t.Run(client+"-"+name, func(t *testing.T) {
				c := newChain(t, true, http1, http1, h)
				ctx, cancel := context.WithTimeout(t.Context(), soon)
				defer cancel()
				var p peer
				var err error
				if client == "coder" {
					p, err = dialCoder(ctx, c.http, c.url, true)
				} else {
					p, err = dialGorilla(ctx, c.meter, c.url, true)
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := converse(ctx, p, 0); err != nil {
					t.Fatal(err)
				}
				if err := p.bye(); err != nil {
					t.Fatal(err)
				}
				p.gone()
				went := c.meter.counts()[0]
				lives := []*entry.Entry{c.backend.one(t, entry.KindStream)}
				if client == "coder" { // gorilla dials by itself
					lives = append(lives, c.client.one(t, entry.KindStream))
				}
				lives = append(lives, c.proxy.wait(t, entry.KindStream, 2)...)
				for _, e := range lives {
					received := e.Response.Body.Size
					switch {
					case e == lives[0] && name == "gorilla":
						received -= gorillaHead
					case e != lives[0] && !strings.HasPrefix(e.HTTP.URL, "http"):
						received -= went.head // the proxy writes it to what it has taken over
					}
					if e.Request.Body.Size != went.sent || received != went.received {
						t.Errorf("%s: over the client's connection went %d and %d", e.Message, went.sent, went.received)
					}
				}
			})
		}
	}
}

// gorillaHead is how long the answer is that gorilla writes, with compression, to the
// connection that it has taken over.
const gorillaHead = int64(len("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: 0123456789012345678901234567\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n"))

// Events through the proxy come one by one, and a client that leaves is noticed at the
// other end.
func TestReverseProxyEvents(t *testing.T) {
	for _, over := range [][2]protocol{{http1, http1}, {h2, h2c}} {
		t.Run(string(over[0]+"-"+over[1]), func(t *testing.T) {
			next := make(chan struct{})
			left := make(chan struct{})
			c := newChain(t, true, over[0], over[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ticker(next)(w, r)
				close(left)
			}))
			res, err := c.http.Do(request(t, http.MethodGet, c.url+"/ticks", nil))
			if err != nil {
				t.Fatal(err)
			}
			expect(t, next, listen(res.Body), 0, 5)
			_ = res.Body.Close()
			recv(t, left, "the backend's handler")
			for _, e := range c.onePath(t, "events") {
				if e.Response.Body.Size == 0 {
					t.Errorf("%s: nothing was seen", e.Message)
				}
			}
		})
	}
}

// A backend that is away is the proxy's 502, told of on both of its sides.
func TestReverseProxyWithoutBackend(t *testing.T) {
	tr := newTrail(t)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	s := serve(t, http1, tr.wrap(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}) },
		Transport: tr.over(t, base).Transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	}))
	c := &http.Client{Transport: s.transport, Timeout: time.Minute}
	if res, _ := do(t, c, request(t, http.MethodGet, s.URL, nil)); res.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d, want 502", res.StatusCode)
	}
	call, exchange := tr.wait(t, entry.KindClient, 1)[0], tr.wait(t, entry.KindServer, 1)[0]
	if call.Error.Type == "" || call.Parent != exchange.Span || exchange.HTTP.Status != http.StatusBadGateway {
		t.Errorf("%s; %s", call.Message, exchange.Message)
	}
}
