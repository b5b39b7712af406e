package middleware_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// A shared cache keeps a file that is served without a word on caching, asks again later,
// and puts the fields of the 304 into what it has kept: neither may bring anybody's ID,
// nor may a part of the file or its head. Where the cache must ask each time, the 304 has
// to bring the ID of who asked.
func TestNoIDByWayOfASharedCache(t *testing.T) {
	name := filepath.Join(t.TempDir(), "logo.txt")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		etag, control string
		want          bool
	}{
		{"", "", false},
		{`"v1"`, "", false},
		{`"v1"`, "must-revalidate", false},
		{`"v1"`, "max-age=0", true},
		{"", "no-cache", true},
		{"", "private", true},
	} {
		s, _ := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if c.etag != "" {
				w.Header().Set("Etag", c.etag)
			}
			if c.control != "" {
				w.Header().Set("Cache-Control", c.control)
			}
			http.ServeFile(w, r, name)
		})
		ask := func(method string, status int, fields ...string) http.Header {
			r := request(t, method, s.URL, nil)
			for i := 0; i < len(fields); i += 2 {
				r.Header.Set(fields[i], fields[i+1])
			}
			res, _ := do(t, s.Client(), r)
			if res.StatusCode != status {
				t.Fatalf("%s %v: %d, want %d", method, fields, res.StatusCode, status)
			}
			if has := res.Header.Get(txid.Header) != ""; has != c.want {
				t.Errorf("ETag %s, Cache-Control %q: %s %d has an ID: %v, want %v", c.etag, c.control, method, status, has, c.want)
			}
			return res.Header
		}
		modified := ask("GET", 200).Get("Last-Modified")
		ask("HEAD", 200)
		ask("GET", 206, "Range", "bytes=0-3")
		ask("GET", 304, "If-Modified-Since", modified)
		ask("HEAD", 304, "If-Modified-Since", modified)
		if c.etag != "" {
			ask("GET", 304, "If-None-Match", c.etag)
			ask("GET", 206, "Range", "bytes=0-3", "If-Range", c.etag)
		}
	}
	// Some put it into the map in its own spelling.
	tagged, _ := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["ETag"] = []string{`"v1"`}
		_, _ = w.Write([]byte("logo"))
	})
	if res, _ := do(t, tagged.Client(), request(t, "GET", tagged.URL, nil)); res.Header.Get(txid.Header) != "" || res.Header.Get("Etag") == "" {
		t.Errorf("%v has an ID, or no ETag", res.Header)
	}
	// A 304 that says nothing at all.
	s, _ := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	if res, _ := do(t, s.Client(), request(t, "GET", s.URL, nil)); res.Header.Get(txid.Header) != "" {
		t.Error("a bare 304 has an ID")
	}
}
