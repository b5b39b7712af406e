package txid_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/txid"
)

func TestPrivateHost(t *testing.T) {
	for _, tc := range []struct {
		host string
		want bool
		why  string
	}{
		{"127.0.0.1", true, "loopback"},
		{"127.8.9.10", true, "the whole of 127/8"},
		{"::1", true, "loopback"},
		{"::ffff:127.0.0.1", true, "IPv4 in IPv6"},
		{"0.0.0.0", true, "connects to the machine itself"},
		{"::", true, "connects to the machine itself"},
		{"10.1.2.3", true, "RFC 1918"},
		{"172.16.0.1", true, "RFC 1918"},
		{"172.32.0.1", false, "just beyond 172.16/12"},
		{"192.168.1.1", true, "RFC 1918"},
		{"fd12:3456::1", true, "RFC 4193"},
		{"fe80::1", true, "link-local"},
		{"fe80::1%eth0", true, "link-local with a zone"},
		{"169.254.7.7", true, "link-local"},
		{"8.8.8.8", false, "public"},
		{"100.64.0.1", false, "carrier NAT is shared with others"},
		{"2001:4860:4860::8888", false, "public"},
		{"::ffff:8.8.8.8", false, "public in IPv6"},

		{"169.254.169.254", false, "instance metadata"},
		{"::ffff:169.254.169.254", false, "the same in IPv6"},
		{"169.254.170.2", false, "ECS credentials"},
		{"169.254.170.23", false, "EKS credentials"},
		{"fd00:ec2::254", false, "EC2 metadata"},
		{"fd00:ec2::254%eth0", false, "the same with a zone"},
		{"fd00:ec2::23", false, "EKS credentials"},
		{"fd20:ce::254", false, "Google metadata"},
		{"metadata", false, "Google metadata, short"},
		{"metadata.google.internal", false, "Google metadata"},
		{"METADATA.google.INTERNAL.", false, "case and final dot do not matter"},
		{"instance-data", false, "EC2 metadata"},
		{"instance-data.ec2.internal", false, "EC2 metadata"},

		{"core", true, "a container's or service's name"},
		{"core_api-2", true, "as Compose writes them"},
		{"7d65a3f6", true, "a container's id: no decimal number"},
		{"localhost", true, ""},
		{"api.localhost", true, "RFC 6761"},
		{"printer.local", true, "RFC 6762"},
		{"core.default.svc", true, "Kubernetes"},
		{"core.default.svc.cluster.local", true, "Kubernetes"},
		{"CORE.Default.SVC.", true, "case and final dot do not matter"},
		{"db.c.project.internal", true, "ICANN's .internal"},
		{"web.test", true, "RFC 6761"},
		{"example.com", false, "public"},
		{"evil-local", true, "no dot, so no public name"},
		{"notlocal.com", false, "public"},
		{"local.evil.com", false, "the suffix must be at the end"},
		{".local", false, "no name"},
		{"a..local", false, "no name"},

		{"134744072", false, "8.8.8.8 in decimal, as some resolvers read it"},
		{"2852039166", false, "169.254.169.254 in decimal"},
		{"0x08080808", false, "8.8.8.8 in hexadecimal"},
		{"010.010.010.010", false, "octal"},
		{"evil\u3002com", false, "U+3002 becomes a dot on the way"},
		{"evil\uff0ecom", false, "U+FF0E becomes a dot on the way"},
		{"evil,com", false, "no host name"},
		{"a@evil", false, "no host name"},
		{"a:80:80", false, "no host name"},
		{"core\n", false, "no host name"},
		{"", false, "nothing is not private"},
		{".", false, "nothing is not private"},
	} {
		if got := txid.PrivateHost(tc.host); got != tc.want {
			t.Errorf("PrivateHost(%q) = %v, want %v: %s", tc.host, got, tc.want, tc.why)
		}
	}
}

func TestHostsAllows(t *testing.T) {
	hosts := func(allow ...string) *txid.Hosts {
		t.Helper()
		h, err := txid.NewHosts(allow...)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	list := hosts("api.example.com", "*.shop.example.", "203.0.113.9", "[2001:db8::7]", "fe80::9%eth1")
	onlyList := hosts("-private", "api.example.com", "169.254.169.254")
	for _, tc := range []struct {
		name  string
		hosts *txid.Hosts
		host  string
		want  bool
	}{
		{"nil: private", nil, "core:8080", true},
		{"nil: public", nil, "api.example.com", false},
		{"zero: private", &txid.Hosts{}, "10.0.0.1", true},
		{"zero: public", &txid.Hosts{}, "8.8.8.8", false},
		{"exact", list, "api.example.com", true},
		{"exact, port, case, final dot", list, "API.Example.com.:443", true},
		{"exact is not below", list, "v2.api.example.com", false},
		{"exact is not a suffix", list, "evilapi.example.com", false},
		{"listed and then more", list, "api.example.com.evil.org", false},
		{"wildcard", list, "a.shop.example", true},
		{"wildcard, deeper", list, "a.b.shop.example", true},
		{"wildcard is not the name itself", list, "shop.example", false},
		{"wildcard needs the dot", list, "myshop.example", false},
		{"wildcard with an empty label", list, ".shop.example", false},
		{"wildcard and a strange dot", list, "evil。com.shop.example", false},
		{"address", list, "203.0.113.9:80", true},
		{"address in IPv6", list, "[::ffff:203.0.113.9]:80", true},
		{"address beside it", list, "203.0.113.10", false},
		{"IPv6, written differently", list, "[2001:0db8:0::0007]:8443", true},
		{"IPv6 without port", list, "[2001:db8::7]", true},
		{"IPv6 with a zone", list, "[fe80::9%25eth1]:80", true},
		{"private beside the list", list, "localhost:3000", true},
		{"bracket without end", list, "[::1", false},
		{"empty", list, "", false},
		{"only a port", list, ":80", false},
		{"only a dot", list, ".", false},
		{"colons below a wildcard", list, "a:b:c.shop.example", false},
		{"a percent sign is no zone of a name", nil, "core%.evil.org", false},
		{"a percent sign is no zone of a listed name", list, "api.example.com%.evil.org", false},
		{"no port: user info", nil, "core:pw@evil.org", false},
		{"no port: a path", list, "api.example.com:/evil.org", false},
		{"brackets and then more", nil, "[::1].evil.org", false},
		{"an empty port", nil, "core:", true},
		{"private taken out", onlyList, "localhost", false},
		{"private taken out, listed", onlyList, "api.example.com", true},
		{"private taken out, not listed", onlyList, "other.example.com", false},
		{"metadata when listed by name", onlyList, "169.254.169.254:80", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.hosts.Allows(tc.host); got != tc.want {
				t.Errorf("Allows(%q) = %v, want %v", tc.host, got, tc.want)
			}
		})
	}
}

func TestNewHostsRefuses(t *testing.T) {
	for _, p := range []string{
		"", ".", "*", "*.", "**.example.com", "a.*.com", "*example.com", "https://example.com", "example.com:443", "example.com/path",
		"user@example.com", "a b", " ", "a..b", ".example.com", "münchen.example", "a\nb", "example.com?x", "10.0.0.0/8",
	} {
		h, err := txid.NewHosts("fine.example.com", p)
		if !errors.Is(err, txid.ErrHostPattern) || h != nil {
			t.Errorf("NewHosts(%q) = %v, %v; want ErrHostPattern", p, h, err)
		} else if len(p) > 1 && !strings.Contains(err.Error(), strings.Trim(p, "\n ")[:1]) {
			t.Errorf("the error does not name %q: %v", p, err)
		}
	}
}

// Whatever a URL's host is, a name that a public resolver could answer must not
// pass for private.
func FuzzPrivateHost(f *testing.F) {
	for _, s := range []string{"http://core/", "http://evil。com/", "http://[::1]:80/", "http://2130706433/", "http://a.local./", "http://x:1:2/", "http://[fe80::1%25eth0]/"} {
		f.Add(s)
	}
	var h *txid.Hosts
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		if !h.Allows(u.Host) {
			return
		}
		for i := range len(u.Host) {
			if u.Host[i] >= 0x80 && !strings.HasPrefix(u.Host, "[") {
				t.Fatalf("%q passes for private", u.Host)
			}
		}
		if strings.ContainsAny(u.Host, "\r\n\x00/@,。") {
			t.Fatalf("%q passes for private", u.Host)
		}
	})
}

func TestHostsAllowsAllocs(t *testing.T) {
	h, err := txid.NewHosts("api.example.com", "*.shop.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1:8080", "core:80", "api.example.com:443", "www.evil.org", "[::1]:80"} {
		if n := testing.AllocsPerRun(100, func() { h.Allows(host) }); n != 0 {
			t.Errorf("Allows(%q): %v allocations, want 0", host, n)
		}
	}
}

func BenchmarkHostsAllows(b *testing.B) {
	h, err := txid.NewHosts("api.example.com", "*.shop.example")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Allows("127.0.0.1:8080")
	}
}
