package txid_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/txid"
)

func TestTrust(t *testing.T) {
	key := []byte("a shared key")
	inside := txid.FromCIDR(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("fe80::/10"))
	from := func(addr string, lines ...string) *http.Request {
		r := request(append(lines, "X-Transaction-Id: "+foreign)...)
		r.RemoteAddr = addr
		return r
	}
	for _, tc := range []struct {
		name  string
		trust txid.Trust
		r     *http.Request
		want  bool
	}{
		{"everyone", txid.Everyone(), from("8.8.8.8:1"), true},
		{"nobody", txid.Nobody(), from("127.0.0.1:1"), false},
		{"network", inside, from("10.1.2.3:1"), true},
		{"network, IPv4 in IPv6", inside, from("[::ffff:10.1.2.3]:1"), true},
		{"network, IPv6", inside, from("[fd00::7]:1"), true},
		{"network, IPv6 with a zone", inside, from("[fe80::7%eth0]:1"), true},
		{"another network", inside, from("11.1.2.3:1"), false},
		{"X-Forwarded-For is anybody's word", inside, from("11.1.2.3:1", "X-Forwarded-For: 10.0.0.1"), false},
		{"no address", inside, from("@"), false},
		{"no address at all", inside, from(""), false},
		{"no networks", txid.FromCIDR(), from("10.1.2.3:1"), false},
		{"zero prefix", txid.FromCIDR(netip.Prefix{}), from("10.1.2.3:1"), false},
		{"signed", txid.Signed(key), from("8.8.8.8:1", "X-Transaction-Signature: "+txid.Sign(key, foreign)), true},
		{"signed with another key", txid.Signed(key), from("8.8.8.8:1", "X-Transaction-Signature: "+txid.Sign([]byte("k"), foreign)), false},
		{"signature of another ID", txid.Signed(key), from("8.8.8.8:1", "X-Transaction-Signature: "+txid.Sign(key, "other-0001")), false},
		{"signature cut", txid.Signed(key), from("8.8.8.8:1", "X-Transaction-Signature: "+txid.Sign(key, foreign)[:31]), false},
		{"no signature", txid.Signed(key), from("8.8.8.8:1"), false},
		{"an empty key trusts nobody", txid.Signed(nil), from("8.8.8.8:1", "X-Transaction-Signature: "+txid.Sign(nil, foreign)), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.r
			r.Header.Set("X-Transaction-Parent", parent)
			r.Header.Set("X-Client-User", "8812")
			s := propagator(t, &txid.Options{Trust: tc.trust}).ExtractRequest(r, now)
			if s.Carried.Get("X-Client-User") != "8812" {
				t.Error("the facts come in all the same")
			}
			if tc.want {
				if s.ID != foreign || s.Parent == 0 || s.Refused != "" || s.Origin != "header:X-Transaction-Id" {
					t.Errorf("%+v", s)
				}
				return
			}
			if s.ID == foreign || !s.ID.Valid() || s.Parent != 0 || s.Origin != txid.OriginMinted || s.Refused != foreign+": caller not trusted" {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestTrustCopies(t *testing.T) {
	key := []byte("key")
	nets := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	signed, inside := txid.Signed(key), txid.FromCIDR(nets...)
	r := request("X-Transaction-Signature: " + txid.Sign(key, foreign))
	r.RemoteAddr = "10.0.0.1:1"
	key[0], nets[0] = 'x', netip.Prefix{}
	if !signed(r, foreign) || !inside(r, foreign) {
		t.Error("changed from outside")
	}
}

func TestSign(t *testing.T) {
	// HMAC-SHA256 with key "key" of "The quick brown fox jumps over the lazy dog"
	// is a published vector; Sign gives its first half.
	got := txid.Sign([]byte("key"), "The quick brown fox jumps over the lazy dog")
	if want := "f7bc83f430538424b13298e6aa6fb143"; got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
	if got != strings.ToLower(got) || txid.Sign([]byte("other"), foreign) == txid.Sign([]byte("key"), foreign) {
		t.Error("not lower case, or the key does not matter")
	}
}
