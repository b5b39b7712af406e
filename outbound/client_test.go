package outbound_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/txid"
)

func (r *recorder) options() *outbound.Options { return &outbound.Options{OnEntry: r.onEntry} }

func label(e *entry.Entry, name string) string {
	for _, l := range e.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// hopping redirects from /n to /n-1 and answers at /0.
func hopping(t testing.TB) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		if n == 0 {
			_, _ = io.WriteString(w, "there")
			return
		}
		http.Redirect(w, r, "/"+strconv.Itoa(n-1), http.StatusTemporaryRedirect)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestRedirectsAreHops(t *testing.T) {
	srv := hopping(t)
	rec := newRecorder(t)
	client, err := outbound.Wrap(&http.Client{Transport: base(t), Timeout: time.Minute}, rec.queue, rec.options())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(request(t, t.Context(), http.MethodPost, srv.URL+"/2", strings.NewReader("text")))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	es := rec.wait(t, 3)
	for i, e := range es {
		if e.TxID != es[0].TxID {
			t.Errorf("hop %d has another txid", i)
		}
		if i > 0 && (label(e, entry.LabelRedirectOf) != es[i-1].Span.String() || label(e, entry.LabelRedirectHop) != strconv.Itoa(i)) {
			t.Errorf("hop %d: labels %v, want of %v", i, e.Labels, es[i-1].Span)
		}
		if string(e.Request.Body.Raw) != "text" || e.HTTP.ResendCount != 0 {
			t.Errorf("hop %d: %+v", i, e.Request.Body)
		}
	}
	if es[0].HTTP.Status != 307 || es[2].HTTP.Status != 200 || len(es[0].Labels) != 0 {
		t.Errorf("statuses %d, %d, labels %v", es[0].HTTP.Status, es[2].HTTP.Status, es[0].Labels)
	}
}

func TestRedirectsNotFollowed(t *testing.T) {
	srv := hopping(t)
	errNo := errors.New("not there")
	for _, c := range []struct {
		name  string
		check func(*http.Request, []*http.Request) error
		hops  int
		text  string
		err   error
	}{
		{"net/http's limit", nil, 10, "stopped after 10 redirects", nil},
		{"the user's rule", func(_ *http.Request, via []*http.Request) error {
			if len(via) == 2 {
				return errNo
			}
			return nil
		}, 2, "not there", errNo},
		{"the last response is used", func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, 1, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain := &http.Client{Transport: base(t), CheckRedirect: c.check}
			first, bare := plain.Get(srv.URL + "/20") //nolint:noctx // nothing to cancel
			if bare == nil {
				_ = first.Body.Close()
			}
			rec := newRecorder(t)
			client, err := outbound.Wrap(plain, rec.queue, rec.options())
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Get(srv.URL + "/20") //nolint:noctx // nothing to cancel
			if err == nil {
				_ = resp.Body.Close()
			}
			if (err == nil) != (bare == nil) || err != nil && err.Error() != bare.Error() {
				t.Errorf("error %v, without us %v", err, bare)
			}
			if c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("error %v is not %v", err, c.err)
			}
			if c.text == "" {
				if e := rec.wait(t, c.hops)[c.hops-1]; e.HTTP.Status != 307 || e.Error.Type != "" {
					t.Errorf("%+v", e)
				}
				return
			}
			es := rec.wait(t, c.hops+1)
			var last *entry.Entry
			for _, e := range es { // the refused hop is known before the body of the last answer is closed
				if e.Error.Type != "" {
					last = e
				}
			}
			if last == nil {
				t.Fatal("no entry of the hop that was refused")
			}
			if last.Error.Type != entry.ErrorRedirect || !strings.Contains(last.Error.Message, c.text) || last.HTTP.Status != 0 ||
				label(last, entry.LabelRedirectHop) != strconv.Itoa(c.hops) || last.TxID != es[0].TxID {
				t.Errorf("%+v", last)
			}
		})
	}
}

func TestWrapKeeps(t *testing.T) {
	var cookie atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie.Store(r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	}))
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Client{Jar: jar, Timeout: time.Minute}
	before := *plain
	rec := newRecorder(t)
	client, err := outbound.Wrap(plain, rec.queue, rec.options())
	if err != nil {
		t.Fatal(err)
	}
	if client.Jar != jar || client.Timeout != time.Minute {
		t.Error("jar or timeout lost")
	}
	if plain.Transport != before.Transport || plain.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
	for range 2 {
		resp, err := client.Get(srv.URL) //nolint:noctx // nothing to cancel
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
	}
	client.CloseIdleConnections()
	if cookie.Load() != "a=b" {
		t.Errorf("cookie %q", cookie.Load())
	}
	rec.wait(t, 2)
}

func TestLimits(t *testing.T) {
	rec := newRecorder(t)
	inner := func(c *http.Client) *http.Transport {
		tr, ok := c.Transport.(*outbound.Transport).Unwrap().(*http.Transport)
		if !ok {
			t.Fatal("no http.Transport")
		}
		return tr
	}
	client, err := outbound.NewClient(rec.queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tr := inner(client); tr.TLSHandshakeTimeout != 5*time.Second || tr.ResponseHeaderTimeout != 30*time.Second || tr == http.DefaultTransport || client.Timeout != 0 {
		t.Errorf("NewClient: %v, %v", tr.TLSHandshakeTimeout, tr.ResponseHeaderTimeout)
	}
	if client, err = outbound.NewClient(rec.queue, &outbound.Options{TLSTimeout: time.Second, HeaderTimeout: -1}); err != nil {
		t.Fatal(err)
	}
	if tr := inner(client); tr.TLSHandshakeTimeout != time.Second || tr.ResponseHeaderTimeout != 0 {
		t.Errorf("NewClient with options: %v, %v", tr.TLSHandshakeTimeout, tr.ResponseHeaderTimeout)
	}
	own := base(t)
	own.TLSHandshakeTimeout, own.ResponseHeaderTimeout = 7*time.Second, time.Hour
	if client, err = outbound.Wrap(&http.Client{Transport: own}, rec.queue, nil); err != nil {
		t.Fatal(err)
	}
	if inner(client) != own {
		t.Error("Wrap cloned a transport that has all limits")
	}
	own.ResponseHeaderTimeout = 0
	if client, err = outbound.Wrap(&http.Client{Transport: own}, rec.queue, nil); err != nil {
		t.Fatal(err)
	}
	if tr := inner(client); tr == own || tr.TLSHandshakeTimeout != 7*time.Second || tr.ResponseHeaderTimeout != 30*time.Second || own.ResponseHeaderTimeout != 0 {
		t.Errorf("Wrap: %v, %v", tr.TLSHandshakeTimeout, tr.ResponseHeaderTimeout)
	}
	if client, err = outbound.Wrap(&http.Client{Transport: own}, rec.queue, &outbound.Options{HeaderTimeout: -1}); err != nil {
		t.Fatal(err)
	}
	if inner(client) != own {
		t.Error("Wrap cloned although no limit was asked for")
	}
	again, err := outbound.Wrap(client, rec.queue, &outbound.Options{HeaderTimeout: -1})
	if err != nil {
		t.Fatal(err)
	}
	if inner(again) != own {
		t.Error("Wrap of a wrapped client wraps twice")
	}
	if tr, err := outbound.NewTransport(nil, rec.queue, nil); err != nil {
		t.Fatal(err)
	} else if got := tr.Unwrap().(*http.Transport); got.ResponseHeaderTimeout != 0 {
		t.Error("NewTransport set a limit")
	}
}

func TestWrapKeepsHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	rec := newRecorder(t)
	// The zero Transport has neither dialer nor limits, and speaks HTTP/2.
	plain := &http.Transport{}
	client, err := outbound.Wrap(&http.Client{Transport: plain}, rec.queue, rec.options())
	if err != nil {
		t.Fatal(err)
	}
	tr := client.Transport.(*outbound.Transport).Unwrap().(*http.Transport)
	defer tr.CloseIdleConnections()
	if tr.TLSClientConfig == nil {
		tr.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tr.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	resp, err := client.Get(srv.URL) //nolint:noctx // nothing to cancel
	if err != nil {
		t.Fatal(err)
	}
	if got := drain(t, resp); got != "HTTP/2.0" {
		t.Errorf("the server saw %s", got)
	}
	if e := rec.only(t); e.HTTP.Protocol != "HTTP/2.0" || e.Timings.TLS <= 0 || e.Timings.FirstByte <= e.Timings.TLS {
		t.Errorf("%q, %+v", e.HTTP.Protocol, e.Timings)
	}
}

func TestBadOptions(t *testing.T) {
	rec := newRecorder(t)
	if _, err := outbound.NewTransport(nil, nil, nil); !errors.Is(err, outbound.ErrOptions) || !strings.Contains(err.Error(), "sink.NewQueue") {
		t.Errorf("no queue: %v", err)
	}
	if _, err := outbound.NewClient(nil, nil); !errors.Is(err, outbound.ErrOptions) || !strings.Contains(err.Error(), "sink.NewQueue") {
		t.Errorf("no queue: %v", err)
	}
	if _, err := outbound.Wrap(nil, nil, nil); !errors.Is(err, outbound.ErrOptions) || !strings.Contains(err.Error(), "sink.NewQueue") {
		t.Errorf("no queue: %v", err)
	}
	for _, n := range []int{-2, entry.MaxBody + 1} {
		if _, err := outbound.NewTransport(nil, rec.queue, &outbound.Options{MaxBody: n}); !errors.Is(err, outbound.ErrOptions) || !strings.Contains(err.Error(), strconv.Itoa(n)) {
			t.Errorf("MaxBody %d: %v", n, err)
		}
	}
}

func TestAttempts(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	rec := newRecorder(t)
	client := &http.Client{Transport: rec.transport(t, base(t), nil)}
	ctx := outbound.Attempt(t.Context())
	for range 3 {
		resp, err := client.Do(request(t, ctx, http.MethodGet, srv.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
	}
	es := rec.wait(t, 3)
	for i, e := range es {
		want := ""
		if i > 0 {
			want = es[0].Span.String()
		}
		if e.HTTP.ResendCount != i || label(e, entry.LabelAttemptOf) != want || e.TxID != es[0].TxID {
			t.Errorf("attempt %d: %d, %v", i, e.HTTP.ResendCount, e.Labels)
		}
	}
	if es[0].Failed() != true || es[2].Failed() {
		t.Error("which attempt failed?")
	}
}

func TestUntracedAndSkip(t *testing.T) {
	got := make(chan http.Header, 3)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header }))
	defer srv.Close()
	rec := newRecorder(t)
	tr := rec.transport(t, base(t), &outbound.Options{Skip: func(r *http.Request) bool { return r.URL.Path == "/health" }})
	ctx, _ := scoped(t)
	for _, c := range []struct {
		ctx     context.Context
		path    string
		stamped bool
	}{{outbound.Untraced(ctx), "/", false}, {ctx, "/health", true}} {
		resp, err := tr.RoundTrip(request(t, c.ctx, http.MethodGet, srv.URL+c.path, nil))
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
		h := <-got
		for _, name := range stamped {
			if (h.Get(name) != "") != c.stamped {
				t.Errorf("%s: %s is %q", c.path, name, h.Get(name))
			}
		}
	}
	if es := rec.all(); len(es) != 0 {
		t.Errorf("recorded %s", messages(es))
	}
}

func TestForeignHostsGetNothing(t *testing.T) {
	rec := newRecorder(t)
	var sent http.Header
	tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}), nil)
	ctx, scope := scoped(t)
	resp, err := tr.RoundTrip(request(t, ctx, http.MethodGet, "https://api.example.com/v1", nil))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if len(sent) != 0 {
		t.Errorf("sent %v", sent)
	}
	e := rec.only(t)
	if !e.HasFlag(entry.FlagNotSent) || e.TxID != scope.ID || e.Facts.UserID == "" || e.HTTP.ServerPort != 443 || e.HTTP.ServerAddress != "api.example.com" {
		t.Errorf("%+v", e)
	}
}

func TestCallersTraceIsKept(t *testing.T) {
	srv := echo(t)
	rec := newRecorder(t)
	tr := rec.transport(t, base(t), nil)
	var mu sync.Mutex
	var seen []string
	see := func(s string) { mu.Lock(); seen = append(seen, s); mu.Unlock() }
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { see("get") }, ConnectStart: func(string, string) { see("connect") },
		GotConn: func(httptrace.GotConnInfo) { see("got") }, WroteRequest: func(httptrace.WroteRequestInfo) { see("wrote") },
		GotFirstResponseByte: func() { see("first") },
	})
	resp, err := tr.RoundTrip(request(t, ctx, http.MethodPost, srv.URL, strings.NewReader("text")))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	mu.Lock()
	defer mu.Unlock()
	if s := strings.Join(seen, " "); s != "get connect got wrote first" {
		t.Errorf("the caller's hooks: %s", s)
	}
	if e := rec.only(t); e.Timings.Connect <= 0 || e.Timings.Wait <= 0 {
		t.Errorf("ours: %+v", e.Timings)
	}
}

func TestReuseAndResend(t *testing.T) {
	// The second connection's first request finds the idle first one closed.
	var conns atomic.Int32
	addr := rawServer(t, func(conn net.Conn) {
		n := conns.Add(1)
		for i := range 2 {
			buf := make([]byte, 4096)
			if k, err := conn.Read(buf); err != nil || k == 0 {
				return
			}
			if n == 1 && i == 1 {
				return // the request arrived, and nothing is answered
			}
			say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	rec := newRecorder(t)
	tr := rec.transport(t, base(t), nil)
	for range 2 {
		resp, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://"+addr+"/", nil))
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
	}
	es := rec.wait(t, 2)
	if got := label(es[1], entry.LabelResent); got != "1" {
		t.Errorf("resent %q, labels %v", got, es[1].Labels)
	}
	resp, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://"+addr+"/", nil))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if e := rec.wait(t, 3)[2]; !e.HasFlag(entry.FlagReused) || e.Timings.Connect != 0 || label(e, entry.LabelResent) != "" {
		t.Errorf("flags %v, %+v, labels %v", e.Flags, e.Timings, e.Labels)
	}
}

func TestPanicsPassUnchanged(t *testing.T) {
	type odd struct{ int }
	rec := newRecorder(t)
	tr := rec.transport(t, roundTripper(func(*http.Request) (*http.Response, error) { panic(odd{7}) }), nil)
	defer func() {
		if v := recover(); v != (odd{7}) {
			t.Errorf("recovered %v", v)
		}
		if e := rec.only(t); e.Error.Type != entry.ErrorOther || e.Severity != entry.SeverityCritical {
			t.Errorf("%+v", e)
		}
	}()
	_, _ = tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/", nil))
}

func TestScopeOfCallsOutsideRequests(t *testing.T) {
	rec := newRecorder(t)
	var sent string
	tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r.Header.Get(txid.Header)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}), nil)
	resp, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/", nil))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	if e := rec.only(t); e.TxID == "" || string(e.TxID) != sent || e.Parent != 0 || e.Origin != txid.OriginMinted {
		t.Errorf("%+v", e)
	}
}
