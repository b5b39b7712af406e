package middleware_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

func ok(http.ResponseWriter, *http.Request) {}

func TestForeignID(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(txid.Header, "scenario-1")
	r.Header.Set(txid.HeaderParent, "00000000000000ab")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w := httptest.NewRecorder()
	wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if txid.IDFromContext(r.Context()) != "scenario-1" {
			t.Error("not in the context")
		}
	})).ServeHTTP(w, r)
	e := rec.one(t)
	if e.TxID != "scenario-1" || e.Origin != "header:X-Transaction-Id" || e.Parent != 0xab || e.Span == 0 || e.Trace.ID == "" || w.Header().Get(txid.Header) != "scenario-1" {
		t.Errorf("got %+v, response %v", e, w.Header())
	}
}

func TestRefusedID(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(txid.Header, "bad id\x00")
	wrap(http.HandlerFunc(ok)).ServeHTTP(httptest.NewRecorder(), r)
	if e := rec.one(t); e.Origin != txid.OriginMinted || !strings.Contains(e.Refused, `bad id\x00`) {
		t.Errorf("origin %q, refused %q", e.Origin, e.Refused)
	}
}

func TestReturnedID(t *testing.T) {
	public := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "public, max-age=60") }
	own := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(txid.Header, "my-own-id") }
	for _, c := range []struct {
		name string
		o    middleware.Options
		h    http.HandlerFunc
		want func(id string) string
	}{
		{"auto", middleware.Options{}, ok, func(id string) string { return id }},
		{"auto, cacheable", middleware.Options{}, public, func(string) string { return "" }},
		{"always, cacheable", middleware.Options{ReturnID: middleware.ReturnAlways}, public, func(id string) string { return id }},
		{"never", middleware.Options{ReturnID: middleware.ReturnNever}, ok, func(string) string { return "" }},
		{"the handler's own", middleware.Options{ReturnID: middleware.ReturnAlways}, own, func(string) string { return "my-own-id" }},
		{"skipped, cacheable", middleware.Options{Skip: func(*http.Request) bool { return true }}, public, func(string) string { return "" }},
	} {
		var id string
		wrap, _ := recording(t, c.o)
		w := httptest.NewRecorder()
		wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id = string(txid.IDFromContext(r.Context()))
			c.h(w, r)
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header().Get(txid.Header); got != c.want(id) || id == "" {
			t.Errorf("%s: returned %q, the ID is %q", c.name, got, id)
		}
	}
}

func TestSkipped(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{Skip: middleware.SkipNoise})
	var page string
	h := wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, ok := txid.FromContext(r.Context())
		if !ok || s.Recorder != nil {
			t.Errorf("scope %+v", s)
			return
		}
		page = s.EntryPage
		middleware.SetRoute(r.Context(), "/x") // does nothing
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/app.js?v=1", nil))
	if w.Header().Get(txid.Header) == "" || len(rec.entries) != 0 || page != "GET /app.js" {
		t.Errorf("headers %v, %d entries, page %q", w.Header(), len(rec.entries), page)
	}
}

func TestRoutesAndPages(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", ok)
	mux.HandleFunc("example.com/host/{x...}", ok)
	mux.HandleFunc("/set/", func(_ http.ResponseWriter, r *http.Request) { middleware.SetRoute(r.Context(), "/set/{y}") })
	cloning := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r.Clone(r.Context())) })
	for _, c := range []struct {
		name, url, header, referer string
		h                          http.Handler
		route, page                string
	}{
		{"mux", "/items/7?q=1", "", "", mux, "/items/{id}", "GET /items/{id}"},
		{"mux with a host", "http://example.com/host/a/b", "", "", mux, "/host/{x...}", "GET /host/{x...}"},
		{"named", "/set/7", "", "", mux, "/set/{y}", "GET /set/{y}"},
		{"cloned", "/items/7", "", "", cloning, "", "GET /items/7"},
		{"cloned, named", "/set/7", "", "", cloning, "/set/{y}", "GET /set/{y}"},
		{"carried", "/items/7", "GET /home", "https://a.example/other", mux, "/items/{id}", "GET /home"},
		{"referer", "/items/7", "-", "https://a.example/page?token=x", mux, "/items/{id}", "/page"},
		{"no referer", "/items/7", "-", "", mux, "/items/{id}", ""},
	} {
		wrap, rec := recording(t, middleware.Options{})
		r := httptest.NewRequest("GET", c.url, nil)
		if c.header != "" {
			r.Header.Set(txid.Header, "scenario-1")
			if c.header != "-" {
				r.Header.Set(txid.HeaderEntryPage, c.header)
			}
		}
		if c.referer != "" {
			r.Header.Set("Referer", c.referer)
		}
		wrap(c.h).ServeHTTP(httptest.NewRecorder(), r)
		if e := rec.one(t); e.HTTP.Route != c.route || e.Facts.EntryPage != c.page {
			t.Errorf("%s: route %q, page %q, want %q, %q", c.name, e.HTTP.Route, e.Facts.EntryPage, c.route, c.page)
		}
	}
}

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		remote string
		xff    []string
		want   string
	}{
		{"203.0.113.9:1", nil, "203.0.113.9"},
		{"203.0.113.9:1", []string{"1.1.1.1"}, "203.0.113.9"}, // not a proxy of ours
		{"10.0.0.1:1", []string{"1.1.1.1, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"10.0.0.1:1", []string{"1.1.1.1", "198.51.100.7:4711"}, "198.51.100.7"},
		{"10.0.0.1:1", []string{"1.1.1.1, evil\x1b[31m"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"10.0.0.3"}, "10.0.0.3"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"[fd00::1%eth0]:1", []string{"[2001:db8::7]:80"}, "2001:db8::7"},
		{"[::ffff:10.0.0.1]:1", []string{"1.1.1.1"}, "1.1.1.1"},
		{"@", nil, ""},
		{"", nil, ""},
		// As middlewares leave it that put a forwarded address there.
		{"198.51.100.7", nil, "198.51.100.7"},
		{"10.0.0.1", []string{"1.1.1.1"}, "10.0.0.1"},
		{"2001:db8::7", nil, "2001:db8::7"},
		{"fd00::1:22", []string{"1.1.1.1"}, "fd00::1:22"},
		{"::1", nil, "::1"},
	} {
		wrap, rec := recording(t, middleware.Options{TrustedProxies: trusted})
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.xff
		wrap(http.HandlerFunc(ok)).ServeHTTP(httptest.NewRecorder(), r)
		if got := rec.one(t).HTTP.RemoteIP; got != c.want {
			t.Errorf("%s %q: %q, want %q", c.remote, c.xff, got, c.want)
		}
	}
}

// A panic in any of the user's functions leaves the request as it is.
func TestUsersFunctionsMayPanic(t *testing.T) {
	boom := func() { panic("boom") }
	var told []string
	p, err := txid.NewPropagator(&txid.Options{Trust: func(*http.Request, txid.ID) bool { boom(); return true }})
	if err != nil {
		t.Fatal(err)
	}
	wrap, rec := recording(t, middleware.Options{
		Propagator: p,
		Skip:       func(*http.Request) bool { boom(); return true },
		ErrorLink:  func(txid.ID) string { boom(); return "" },
		OnEntry:    func(context.Context, *entry.Entry) { boom() },
		Keep:       func(*entry.Entry) middleware.Detail { boom(); return middleware.None },
		OnError:    func(err error) { told = append(told, err.Error()); boom() },
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(txid.Header, "scenario-1")
	r.Header.Set(txid.HeaderUser, "42")
	wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })).ServeHTTP(w, r)
	e := rec.one(t)
	if w.Code != 500 || e.TxID == "scenario-1" || e.Refused == "" || e.Facts.UserID != "42" {
		t.Errorf("status %d, entry %q refused %q user %q", w.Code, e.TxID, e.Refused, e.Facts.UserID)
	}
	want := []string{
		"middleware: Trust panicked: boom", "middleware: Skip panicked: boom", "middleware: ErrorLink panicked: boom",
		"middleware: Keep panicked: boom", "middleware: OnEntry panicked: boom",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("OnError was told (-want +got)\n%s", diff)
	}
}

func TestErrorLink(t *testing.T) {
	wrap, _ := recording(t, middleware.Options{ErrorLink: func(id txid.ID) string { return "http://127.0.0.1:1/" + string(id) }})
	for status, want := range map[int]bool{200: false, 404: true, 502: true} {
		w := httptest.NewRecorder()
		wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })).
			ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header().Get(middleware.HeaderErrorLink); (got != "") != want || want && got != "http://127.0.0.1:1/"+w.Header().Get(txid.Header) {
			t.Errorf("%d: %q", status, got)
		}
	}
}

// Where a response does not tell its ID, no link tells it either.
func TestErrorLinkWithheld(t *testing.T) {
	for _, c := range []struct {
		name    string
		returns middleware.ReturnID
		cache   string
		want    bool
	}{
		{"nobody keeps it", middleware.ReturnAuto, "no-store", true},
		{"a cache that many share may keep it", middleware.ReturnAuto, "public, max-age=3600", false},
		{"a cache may keep it, the ID is wanted all the same", middleware.ReturnAlways, "public, max-age=3600", true},
		{"no ID is wanted", middleware.ReturnNever, "no-store", false},
	} {
		wrap, _ := recording(t, middleware.Options{ReturnID: c.returns, ErrorLink: func(id txid.ID) string { return "http://127.0.0.1:1/" + string(id) }})
		w := httptest.NewRecorder()
		wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", c.cache)
			w.WriteHeader(404)
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header().Get(middleware.HeaderErrorLink); (got != "") != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// A name that anybody can take hides neither what changes something nor what is
// somebody's.
func TestSkipNoiseBelievesLittle(t *testing.T) {
	for _, c := range []struct {
		method, path, header, value string
		want                        bool
	}{
		{"GET", "/x", "Accept", "*/*", true},
		{"HEAD", "/x", "Accept", "*/*", true},
		{"POST", "/api/pay", "Accept", "*/*", false},
		{"DELETE", "/ping", "Accept", "*/*", false},
		{"GET", "/x", "Cookie", "session=1", false},
		{"GET", "/x", "Authorization", "Bearer t", false},
		{"GET", "/app.js", "Cookie", "session=1", true}, // a browser's
		{"GET", "/healthz", "Authorization", "Bearer t", true},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("User-Agent", "kube-probe/1.29")
		r.Header.Set(c.header, c.value)
		if got := middleware.SkipNoise(r); got != c.want {
			t.Errorf("%s %s with a %s: %t", c.method, c.path, c.header, got)
		}
	}
}

func TestTLSVersion(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{})
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13}
	wrap(http.HandlerFunc(ok)).ServeHTTP(httptest.NewRecorder(), r)
	if ls := rec.one(t).Labels; len(ls) != 1 || ls[0] != (entry.Label{Name: "tls.protocol.version", Value: "1.3"}) {
		t.Errorf("labels %v", ls)
	}
}

func TestSkips(t *testing.T) {
	const chrome = "Mozilla/5.0 (Linux; Android 16; SM-S931N; wv) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
	skips := middleware.AnySkip(middleware.SkipNoise, nil, middleware.SkipBots,
		middleware.SkipPaths("/metrics", "", "/assets/*"), middleware.SkipUserAgents("", "my-monitor/"), middleware.SkipPaths(), middleware.SkipUserAgents())
	for _, c := range []struct {
		method, path, ua string
		want             bool
	}{
		{"GET", "/", chrome, false},
		{"GET", "/app.js?x=1", chrome, true},
		{"HEAD", "/a/B.PNG", chrome, true},
		{"POST", "/app.js", chrome, false},
		{"GET", "/api/v1.2/items", chrome, false},
		{"GET", "/report.pdf", chrome, false},
		{"GET", "/data.json", chrome, false},
		{"GET", "/healthz", chrome, true},
		{"GET", "/api/healthz", chrome, false},
		{"GET", "/x", "kube-probe/1.34", true},
		{"GET", "/x", "GoogleHC/1.0", true},
		{"GET", "/x", "ELB-HealthChecker/2.0", true},
		{"GET", "/x", "Consul Health Check", true},
		{"GET", "/actuator/health", chrome, true},
		{"GET", "/health/score", chrome, false},
		{"GET", "/x", "curl/8.0", false},
		{"GET", "/metrics", chrome, true},
		{"GET", "/metrics/x", chrome, false},
		{"GET", "/assets/x", chrome, true},
		{"GET", "/x", "My-Monitor/1.0", true},
		{"GET", "/x", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true},
		{"GET", "/x", "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)", true},
		{"GET", "/x", "Mozilla/5.0 (Linux; Android 9; CUBOT KING KONG) AppleWebKit/537.36", false},
		{"GET", "/x", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) KAKAOTALK/26.3.5 (INAPP)", false},
		{"GET", "/x", "", false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.ua != "" {
			r.Header.Set("User-Agent", c.ua)
		}
		if got := skips(r); got != c.want {
			t.Errorf("%s %s %q: %t", c.method, c.path, c.ua, got)
		}
	}
}

// A Trust function may take a proof off the request, which is then not recorded, and put
// right what comes with the ID.
func TestTrustMayChangeTheRequest(t *testing.T) {
	p, err := txid.NewPropagator(&txid.Options{Trust: func(r *http.Request, _ txid.ID) bool {
		ok := r.Header.Get("X-Gateway-Proof") == "hunter2"
		r.Header.Del("X-Gateway-Proof")
		r.Header.Set(txid.HeaderEntryPage, "GET /start")
		return ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	wrap, rec := recording(t, middleware.Options{Propagator: p})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(txid.Header, "scenario-1")
	r.Header.Set("X-Gateway-Proof", "hunter2")
	wrap(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	e := rec.one(t)
	proof := slices.ContainsFunc(e.Request.Headers, func(h entry.Header) bool { return h.Name == "X-Gateway-Proof" })
	if e.TxID != "scenario-1" || proof || e.Facts.EntryPage != "GET /start" {
		t.Errorf("%s, entry page %q, headers %v", e.TxID, e.Facts.EntryPage, e.Request.Headers)
	}
}
