package middleware_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/middleware"
)

// ours are the networks of the proxies in these tests.
func ours() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
}

// from is a request that came over a proxy of ours.
func from(remote, header string, lines ...string) *http.Request {
	return &http.Request{RemoteAddr: remote, Header: http.Header{header: lines}}
}

func TestForwarded(t *testing.T) {
	const proxy = "10.0.0.1:4711"
	for _, c := range []struct {
		name   string
		remote string
		lines  []string
		want   string
	}{
		// The examples of RFC 7239, sections 4 and 7.1.
		{"v4", proxy, []string{`for=192.0.2.43`}, "192.0.2.43"},
		{"v6", proxy, []string{`For="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"pairs", proxy, []string{`for=192.0.2.60;proto=http;by=203.0.113.43`}, "192.0.2.60"},
		{"elements", proxy, []string{`for=192.0.2.43, for=198.51.100.17`}, "198.51.100.17"},
		{"obfuscated", proxy, []string{`for=_gazonk`}, "10.0.0.1"},
		{"secret", proxy, []string{`for=192.0.2.43, for=_SEVKISEK`}, "10.0.0.1"},
		{"unknown", proxy, []string{`for=192.0.2.43, for="_gazonk", for=unknown`}, "10.0.0.1"},

		{"no proxy of ours", "203.0.113.9:1", []string{`for=192.0.2.43`}, "203.0.113.9"},
		{"none", proxy, nil, "10.0.0.1"},
		{"empty", proxy, []string{""}, "10.0.0.1"},
		{"two of ours", proxy, []string{`for=1.1.1.1, for=198.51.100.7, for="[fd00::2]", for=10.0.0.2`}, "198.51.100.7"},
		{"ours alone", proxy, []string{`for=10.0.0.3, for=10.0.0.2`}, "10.0.0.3"},
		{"lines", proxy, []string{`for=1.1.1.1`, `for=198.51.100.7`, `for=10.0.0.2`}, "198.51.100.7"},
		{"behind a secret one of ours", proxy, []string{`for=198.51.100.7, for=_frontend, for=10.0.0.2`}, "10.0.0.2"},
		{"empty elements", proxy, []string{`, for=198.51.100.7 , ,`}, "198.51.100.7"},
		{"spaces", proxy, []string{"proto=https ; for=198.51.100.7\t; by=_x"}, "198.51.100.7"},
		{"semicolons", proxy, []string{`;for=198.51.100.7;`}, "198.51.100.7"},
		{"port", proxy, []string{`for="198.51.100.7:4711"`}, "198.51.100.7"},
		{"obfuscated port", proxy, []string{`for="198.51.100.7:_p4711"`}, "198.51.100.7"},
		{"v6 without a port", proxy, []string{`for="[2001:db8::7]"`}, "2001:db8::7"},
		{"v6 with an obfuscated port", proxy, []string{`for="[2001:db8::7]:_x"`}, "2001:db8::7"},
		{"v6 without brackets", proxy, []string{`for="2001:db8::7"`}, "2001:db8::7"},
		{"v6 without quotes", proxy, []string{`for=[2001:db8::7]:80`}, "2001:db8::7"},
		{"v4 in v6", proxy, []string{`for="[::ffff:10.0.0.2]", for=10.0.0.3`}, "10.0.0.2"},
		{"zone", "[fd00::1%eth0]:1", []string{`for="[fe80::1%eth1]"`}, "fe80::1"},
		{"escapes", proxy, []string{`for="198\.51.100.\7"`}, "198.51.100.7"},
		{"a comma in quotes", proxy, []string{`for=198.51.100.7;host="a,for=1.1.1.1"`}, "198.51.100.7"},
		{"a quote in quotes", proxy, []string{`for=198.51.100.7;host="a\",for=1.1.1.1;x=\""`}, "198.51.100.7"},
		{"a backslash at the end", proxy, []string{`for=1.1.1.1;host="a\\", for=198.51.100.7;host="b\\"`}, "198.51.100.7"},

		// What the client wrote before the proxy's own part changes nothing.
		{"open quote", proxy, []string{`for="1.1.1.1, for=198.51.100.7`}, "198.51.100.7"},
		{"open quote before quotes", proxy, []string{`for=", for="[2001:db8::7]"`}, "2001:db8::7"},
		{"open quote, escaped", proxy, []string{`for="\, for="[2001:db8::7]";host="a"`}, "2001:db8::7"},

		// What can not be read ends it.
		{"nothing for", proxy, []string{`for=1.1.1.1, proto=https;by=10.0.0.1`}, "10.0.0.1"},
		{"twice", proxy, []string{`for=1.1.1.1;for=2.2.2.2`}, "10.0.0.1"},
		{"no pair", proxy, []string{`198.51.100.7`}, "10.0.0.1"},
		{"no name", proxy, []string{`=198.51.100.7`}, "10.0.0.1"},
		{"no value", proxy, []string{`for=`}, "10.0.0.1"},
		{"empty value", proxy, []string{`for=""`}, "10.0.0.1"},
		{"quote left open", proxy, []string{`for="198.51.100.7`}, "10.0.0.1"},
		{"quote in a token", proxy, []string{`for=198.51.100.7";x=`}, "10.0.0.1"},
		{"behind the quotes", proxy, []string{`for="198.51.100.7"8`}, "10.0.0.1"},
		{"bad port", proxy, []string{`for="198.51.100.7:4 7"`}, "10.0.0.1"},
		{"empty port", proxy, []string{`for="198.51.100.7:"`}, "10.0.0.1"},
		{"v4 in brackets", proxy, []string{`for="[198.51.100.7]"`}, "10.0.0.1"},
		{"open bracket", proxy, []string{`for="[2001:db8::7"`}, "10.0.0.1"},
		{"behind the bracket", proxy, []string{`for="[2001:db8::7]80"`}, "10.0.0.1"},
		{"a name", proxy, []string{`for=gateway.example`}, "10.0.0.1"},
		{"too many", proxy, []string{`for=1.1.1.1` + strings.Repeat(`, for=10.0.0.2`, 40)}, "10.0.0.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := middleware.ClientIP(from(c.remote, "Forwarded", c.lines...), ours(), middleware.Forwarded); got != c.want {
				t.Errorf("%q: %q, want %q", c.lines, got, c.want)
			}
		})
	}
}

// A proxy that connects by a Unix socket has no address. It is on this machine, and as
// trusted as that.
func TestClientIPByUnixSocket(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skipf("SKIPPED: no Unix sockets here: %v", err)
	}
	got := map[string]string{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, network := range []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8"} {
			got[network] = middleware.ClientIP(r, []netip.Prefix{netip.MustParsePrefix(network)}, middleware.XForwardedFor)
		}
		got["none"] = middleware.ClientIP(r, nil, middleware.XForwardedFor)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", l.Addr().String())
		},
		DisableKeepAlives: true,
	}}
	r := request(t, "GET", "http://a/", nil)
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	do(t, client, r)
	want := map[string]string{"127.0.0.0/8": "198.51.100.7", "::1/128": "198.51.100.7", "10.0.0.0/8": "", "none": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by trusted network (-want +got)\n%s", diff)
	}
}

// Only the header is read that was chosen: a proxy passes on the other as the client
// wrote it.
func TestProxyHeaderIsChosen(t *testing.T) {
	for header, want := range map[middleware.ProxyHeader]string{
		middleware.XForwardedFor: "198.51.100.1",
		middleware.Forwarded:     "198.51.100.2",
	} {
		for _, also := range []string{"", "X-Forwarded-For", "Forwarded"} {
			wrap, rec := recording(t, middleware.Options{TrustedProxies: ours(), ProxyHeader: header})
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = "10.0.0.1:1"
			r.Header.Set("X-Forwarded-For", "198.51.100.1")
			r.Header.Set("Forwarded", "for=198.51.100.2")
			r.Header.Set("X-Real-IP", "198.51.100.3")
			want := want
			if r.Header.Del(also); also == "X-Forwarded-For" && header == middleware.XForwardedFor || also == "Forwarded" && header == middleware.Forwarded {
				want = "10.0.0.1"
			}
			wrap(http.HandlerFunc(ok)).ServeHTTP(httptest.NewRecorder(), r)
			if got := rec.one(t).HTTP.RemoteIP; got != want {
				t.Errorf("header %d without %q: %q, want %q", header, also, got, want)
			}
		}
	}
}

// FuzzClientIP: whatever a client writes into a header, what the proxies before the
// service have added behind it decides.
func FuzzClientIP(f *testing.F) {
	for _, s := range []string{"", "1.1.1.1", `for=1.1.1.1`, `for="`, `for="\`, `for="[::1]:_x";by=_y`, "for=unknown", ",,", `\"`, `"\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, written string) {
		for _, h := range []struct {
			header middleware.ProxyHeader
			name   string
			added  []string
		}{
			{middleware.XForwardedFor, "X-Forwarded-For", []string{"203.0.113.7", "203.0.113.7:80", "203.0.113.7, 10.0.0.2", "203.0.113.7,, fd00::2"}},
			{middleware.Forwarded, "Forwarded", []string{
				`for=203.0.113.7`, `for="203.0.113.7:80";host="a\"\\,b"`, `host="\\";for="203.0.113.7:_x", for=10.0.0.2`, `by=_p;for=203.0.113.7,for="[fd00::2]"`,
			}},
		} {
			for _, added := range h.added {
				for _, lines := range [][]string{{written + "," + added}, {written, added}, {written + ", " + added + ", "}} {
					if got := middleware.ClientIP(from("10.0.0.1:1", h.name, lines...), ours(), h.header); got != "203.0.113.7" {
						t.Errorf("%q: %q, want what the proxy wrote", lines, got)
					}
				}
			}
			got := middleware.ClientIP(from("10.0.0.1:1", h.name, written), ours(), h.header)
			if _, err := netip.ParseAddr(got); err != nil {
				t.Errorf("%q: %q is no address", written, got)
			}
			// A value in quotes is what it is without the escapes.
			quoted := `for="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(written) + `"`
			if a, err := netip.ParseAddr(written); err == nil && a.Is4() && h.header == middleware.Forwarded {
				if got := middleware.ClientIP(from("10.0.0.1:1", h.name, quoted), ours(), h.header); got != a.String() {
					t.Errorf("%q: %q, want %q", quoted, got, a)
				}
			}
			if got := middleware.ClientIP(from("203.0.113.7:1", h.name, written), ours(), h.header); got != "203.0.113.7" {
				t.Errorf("a stranger's %q: %q", written, got)
			}
		}
	})
}

// Reading Forwarded costs the text of the address it finds, and no more.
func TestClientIPAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	nets := ours()
	for header, r := range map[middleware.ProxyHeader]*http.Request{
		middleware.XForwardedFor: from("10.0.0.1:1", "X-Forwarded-For", "1.1.1.1, 203.0.113.7"),
		middleware.Forwarded:     from("10.0.0.1:1", "Forwarded", `for=1.1.1.1, for="203.0.113.7:4711";proto=https;host="a,b"`),
	} {
		if n := testing.AllocsPerRun(100, func() { middleware.ClientIP(r, nets, header) }); n > 1 {
			t.Errorf("header %d: %v allocations, want 1", header, n)
		}
	}
}

func ExampleClientIP() {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.0.0.1:41234"
	r.Header.Set("Forwarded", `for=6.6.6.6, for="[2001:db8::7]:4711";proto=https, for=10.0.0.2`)
	fmt.Println(middleware.ClientIP(r, proxies, middleware.Forwarded))
	// Output:
	// 2001:db8::7
}
