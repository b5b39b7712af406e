package capture

import (
	"net/http"
	"testing"

	"github.com/txtrail/txtrail/txid"
)

// A response without a noted cache header is not looked at again, and gets the ID: a
// header that lets a shared cache keep it must not go unnoted.
func TestNotedKnowsTheCacheRule(t *testing.T) {
	for name, value := range map[string]string{
		"Cache-Control":                "public",
		"Expires":                      "Fri, 20 Nov 2126 10:00:00 GMT",
		"Last-Modified":                "Fri, 20 Nov 2026 10:00:00 GMT",
		"Etag":                         `"v1"`,
		"Cdn-Cache-Control":            "max-age=60",
		"Cloudflare-Cdn-Cache-Control": "max-age=60",
		"Surrogate-Control":            "max-age=60",
		"X-Accel-Expires":              "60",
	} {
		h := http.Header{name: {value}}
		if !txid.SharedCacheable(http.StatusOK, h) {
			t.Fatalf("%s: %s is no case: a cache may not keep it", name, value)
		}
		var seen Noted
		seen.Note(name, value)
		if !seen.Cacheable {
			t.Errorf("%s is not noted, and a shared cache may keep the response", name)
		}
	}
	for name, value := range map[string]string{"Age": "3", "X-Cache": "HIT", "Cache-Status": "edge; hit", "Cf-Cache-Status": "HIT"} {
		var seen Noted
		if seen.Note(name, value); !seen.Cached || !txid.FromCache(http.Header{name: {value}}) {
			t.Errorf("%s: %s is not taken for a cache's answer", name, value)
		}
	}
}
