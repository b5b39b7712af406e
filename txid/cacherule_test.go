package txid_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/txid"
)

// header builds one from "Name: value" lines.
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Add(name, value)
	}
	return h
}

func TestSharedCacheable(t *testing.T) {
	const (
		modified = "Last-Modified: Fri, 20 Nov 2026 09:00:00 GMT"
		etag     = `ETag: "v1"`
		date     = "Date: Fri, 20 Nov 2026 10:00:00 GMT"
		later    = "Expires: Fri, 20 Nov 2026 11:00:00 GMT"
		earlier  = "Expires: Fri, 20 Nov 2026 09:00:00 GMT"
	)
	for _, tc := range []struct {
		status int
		h      []string
		want   bool
		why    string
	}{
		{200, nil, false, "nothing makes it fresh"},
		{200, []string{"Cache-Control: public"}, true, "RFC 9111, 5.2.2.9"},
		{200, []string{"Cache-Control: PUBLIC"}, true, "5.2: names of directives have no case"},
		{500, []string{"Cache-Control: public"}, true, "3: public allows any final status"},
		{200, []string{"Cache-Control: public, max-age=0"}, true, "kept, and a cache may be told to serve stale"},
		{200, []string{"Cache-Control: s-maxage=60"}, true, "5.2.2.10"},
		{200, []string{"Cache-Control: s-maxage=0"}, true, "meant for shared caches at all"},
		{200, []string{"Cache-Control: max-age=60"}, true, "5.2.2.1"},
		{200, []string{`Cache-Control: max-age="60"`}, true, "5.2: quoted is the same"},
		{200, []string{"Cache-Control: max-age=0"}, false, "stale at once: our 304 brings the ID of who asks"},
		{200, []string{"Cache-Control: max-age=000"}, false, "zero in any length"},
		{200, []string{"Cache-Control: max-age=0, must-revalidate", modified}, false, "no heuristics beside max-age: 4.2.2"},
		{200, []string{"Cache-Control: no-cache", modified}, false, "5.2.2.4: never without asking"},
		{200, []string{`Cache-Control: no-cache="set-cookie", max-age=60`}, true, "5.2.2.4: the qualified form binds that field alone"},
		{200, []string{"Cache-Control: no-store"}, false, "5.2.2.5"},
		{200, []string{"Cache-Control: public, no-store"}, false, "no-store wins"},
		{200, []string{"Cache-Control: public", "Cache-Control: no-store"}, false, "5.2: lines add up"},
		{200, []string{"Cache-Control: must-understand, no-store, max-age=60"}, true, "5.2.2.3: no-store is for who does not understand"},
		{200, []string{"Cache-Control: private, max-age=60"}, false, "5.2.2.7"},
		{200, []string{`Cache-Control: private="x-user", max-age=60`}, true, "5.2.2.7: the qualified form binds that field alone"},
		{200, []string{`Cache-Control: private="a, b", max-age=60`}, true, "a comma in quotes divides nothing"},
		{200, []string{`Cache-Control: x="a, no-store, private", max-age=60`}, true, "what is quoted is no directive"},
		{200, []string{`Cache-Control: x="a\", no-store", max-age=60`}, true, "an escaped quote ends nothing"},
		{200, []string{`Cache-Control: x="open, no-store`}, false, "a quote without end allows nothing"},
		{200, []string{"Cache-Control: , ,max-age = 60 ,"}, true, "empty items and spaces"},
		{200, []string{"Cache-Control: max-age=60", "Cache-Control: max-age=0"}, true, "the longer of two"},
		{200, []string{"Cache-Control: immutable-publicity"}, false, "no directive of these"},
		{200, []string{"Cache-Control: must-revalidate", modified}, true, "4.2.2 still applies"},

		{200, []string{later}, true, "5.3: without a Date, any real date is taken to be ahead"},
		{200, []string{date, later}, true, "5.3"},
		{200, []string{date, earlier}, false, "5.3: expired"},
		{200, []string{"Expires: 0"}, false, "5.3: an invalid date, especially 0, is the past"},
		{200, []string{"Expires: -1"}, false, "5.3"},
		{200, []string{"Expires: "}, false, "5.3"},
		{200, []string{"Expires: Thu, 19 Nov 1981 08:52:00 GMT"}, false, "customary for never"},
		{200, []string{"Expires: 0", modified}, false, "no heuristics beside Expires: 4.2.2"},
		{200, []string{"Cache-Control: max-age=0", later}, false, "5.3: max-age overrides"},
		{200, []string{"Cache-Control: private", later}, false, "5.2.2.7"},
		{200, []string{"Date: nonsense", later}, true, "a Date that is none is not there"},

		{200, []string{modified}, true, "4.2.2: heuristics"},
		{404, []string{modified}, true, "RFC 9110, 15.1"},
		{206, []string{modified}, true, "RFC 9110, 15.1"},
		{200, []string{etag}, true, "kept by heuristics, and asked for by it"},
		{206, []string{etag}, true, "an answer to If-Range has no Last-Modified: RFC 9110, 15.3.7"},
		{404, []string{etag}, true, "as 200"},
		{200, []string{etag, "Cache-Control: no-cache"}, false, "our 304 brings the ID of who asks"},
		{200, []string{etag, "Expires: 0"}, false, "stale at once"},
		{500, []string{etag}, false, "not cacheable by heuristics"},
		{201, []string{modified}, false, "not cacheable by heuristics"},
		{302, []string{modified}, false, "not cacheable by heuristics"},
		{500, []string{modified}, false, "not cacheable by heuristics"},

		{304, nil, true, "4.3.4: its fields go into the response that was kept"},
		{304, []string{etag}, true, "net/http takes Last-Modified off beside an ETag"},
		{304, []string{modified}, true, "4.2.2: heuristics"},
		{304, []string{"Cache-Control: must-revalidate"}, true, "fresh by heuristics until then"},
		{304, []string{"Cache-Control: public", etag}, true, "5.2.2.9"},
		{304, []string{"Cache-Control: max-age=60", etag}, true, "5.2.2.1"},
		{304, []string{later}, true, "5.3"},
		{304, []string{"Cache-Control: max-age=0", etag}, false, "what was kept has the ID of who asked last: this one must replace it"},
		{304, []string{"Cache-Control: no-cache", modified}, false, "as max-age=0"},
		{304, []string{"Expires: 0", modified}, false, "as max-age=0"},
		{304, []string{"Cache-Control: private", etag}, false, "5.2.2.7"},
		{304, []string{"Cache-Control: no-store", etag}, false, "5.2.2.5"},

		{200, []string{"Cache-Control: max-age=0, stale-while-revalidate=60"}, true, "RFC 5861, 3: served before anybody is asked"},
		{200, []string{"Cache-Control: max-age=0, stale-if-error=60"}, true, "RFC 5861, 4"},
		{200, []string{"Cache-Control: max-age=0, stale-while-revalidate=0"}, false, "for no time"},
		{200, []string{"Cache-Control: private, stale-while-revalidate=60"}, false, "5.2.2.7"},

		{200, []string{"CDN-Cache-Control: max-age=60", "Cache-Control: no-store"}, true, "RFC 9213: overrides for the CDN"},
		{200, []string{"CDN-Cache-Control: no-store", "Cache-Control: public"}, true, "another cache still follows Cache-Control"},
		{200, []string{"CDN-Cache-Control: no-store"}, false, "forbids"},
		{200, []string{"CDN-Cache-Control: max-age=0"}, false, "forbids"},
		{200, []string{"Cloudflare-CDN-Cache-Control: max-age=60"}, true, "a vendor's form"},
		{200, []string{"Surrogate-Control: max-age=60"}, true, "Edge Architecture"},
		{200, []string{`Surrogate-Control: content="ESI/1.0", max-age=60`}, true, "Edge Architecture"},
		{200, []string{"Surrogate-Control: no-store"}, false, "forbids"},
		{200, []string{"X-Accel-Expires: 60"}, true, "nginx"},
		{200, []string{"X-Accel-Expires: 0"}, false, "nginx"},
	} {
		if got := txid.SharedCacheable(tc.status, header(tc.h...)); got != tc.want {
			t.Errorf("%d %q: %v, want %v: %s", tc.status, tc.h, got, tc.want, tc.why)
		}
	}
	if !txid.SharedCacheable(200, http.Header{"ETag": {`"v1"`}}) {
		t.Error("an ETag in its own spelling does not count")
	}
	if txid.SharedCacheable(200, nil) {
		t.Error("no headers at all")
	}
}

// Whatever stands in Cache-Control, an unqualified private at its end keeps the
// response with its one user, unless a quote before it is open.
func FuzzSharedCacheable(f *testing.F) {
	for _, s := range []string{"public", "max-age=1", `x="`, `a="\`, "must-understand, no-store", ",,,="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cc string) {
		txid.SharedCacheable(200, http.Header{"Cache-Control": {cc}}) // must not panic
		if txid.SharedCacheable(200, http.Header{"Cache-Control": {cc, "private"}}) {
			t.Fatalf("%q and private: may be kept", cc)
		}
	})
}

func TestFromCache(t *testing.T) {
	for _, tc := range []struct {
		h    string
		want bool
	}{
		{"Age: 12", true},
		{"Age: 0", false},
		{"Age: 00", false},
		{"Age: ", false},
		{"X-Cache: HIT", true},
		{"X-Cache: Hit from cloudfront", true},
		{"X-Cache: MISS, HIT", true},
		{"X-Cache: Miss from cloudfront", false},
		{"X-Cache: white", false},
		{"X-Cache: hits", false},
		{"Cache-Status: edge; hit", true},
		{"Cache-Status: edge; hit; ttl=30", true},
		{"Cache-Status: edge;hit=?0", false},
		{"Cache-Status: edge; fwd=uri-miss; stored", false},
		{`Cache-Status: "whitehouse"; fwd=miss`, false},
		{"CF-Cache-Status: HIT", true},
		{"CF-Cache-Status: DYNAMIC", false},
		{"Via: 1.1 varnish", false},
	} {
		if got := txid.FromCache(header(tc.h)); got != tc.want {
			t.Errorf("FromCache(%q) = %v", tc.h, got)
		}
	}
	if txid.FromCache(nil) {
		t.Error("no headers at all")
	}
}

func TestCacheRuleAllocs(t *testing.T) {
	h := header("Cache-Control: private, max-age=0", "Content-Type: text/html")
	if n := testing.AllocsPerRun(100, func() { txid.SharedCacheable(200, h); txid.FromCache(h) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkSharedCacheable(b *testing.B) {
	h := header("Content-Type: application/json", "Cache-Control: private, no-cache")
	b.ReportAllocs()
	for b.Loop() {
		txid.SharedCacheable(200, h)
	}
}
