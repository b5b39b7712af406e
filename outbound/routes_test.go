package outbound

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func newRoutes(t testing.TB, templates ...string) *routes {
	t.Helper()
	r := &routes{}
	for _, s := range templates {
		if err := r.add(s); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRoutes(t *testing.T) {
	templates := []string{
		"/", "/v1/items", "/v1/items/{id}", "/v1/items/new", "/v1/items/{id}/parts/{part}", "/v1/items/{id}/", "POST /v1/items",
		"/v1/{kind}/list", "/files/{path...}", "/files/special/{name}", "DELETE /files/{path...}", "/a b/{x}", "/일/{x}",
	}
	r := newRoutes(t, templates...)
	for _, c := range []struct{ method, url, want string }{
		{"GET", "http://h", "/"},
		{"GET", "http://h/", "/"},
		{"GET", "http://h/v1/items", "/v1/items"},
		{"POST", "http://h/v1/items?a=b#c", "/v1/items"},
		{"GET", "http://h/v1/items/123", "/v1/items/{id}"},
		{"GET", "http://h/v1/items/new", "/v1/items/new"},
		{"GET", "http://h/v1/items/123/", "/v1/items/{id}/"},
		{"GET", "http://h/v1/items/", ""},
		{"GET", "http://h/v1/items/new/parts/7", "/v1/items/{id}/parts/{part}"},
		{"GET", "http://h/v1/items/list", "/v1/items/{id}"},
		{"GET", "http://h/v1/boxes/list", "/v1/{kind}/list"},
		{"GET", "http://h/v1/items/1/parts", ""},
		{"GET", "http://h/v1/items/a%2Fb", "/v1/items/{id}"},
		{"GET", "http://h/v1/items/n%65w%2F", "/v1/items/{id}"},
		{"GET", "http://h/v1/n%2F/l%69st", "/v1/{kind}/list"},
		{"GET", "http://h/files", ""},
		{"GET", "http://h/files/", "/files/{path...}"},
		{"GET", "http://h/files/a/b/c", "/files/{path...}"},
		{"DELETE", "http://h/files/a", "/files/{path...}"},
		{"GET", "http://h/files/special/x", "/files/special/{name}"},
		{"GET", "http://h/files/special/x/y", "/files/{path...}"},
		{"GET", "http://h/a%20b/1", "/a b/{x}"},
		{"GET", "http://h/a%20b/1%2F2", "/a b/{x}"},
		{"GET", "http://h/%EC%9D%BC/1", "/일/{x}"},
		{"GET", "http://h/V1/items", ""},
		{"GET", "http://h//v1/items", ""},
		{"GET", "mailto:x", ""},
		{"GET", "relative", ""},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.match(c.method, u); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.method, c.url, got, c.want)
		}
	}
	if got := (&routes{}).match("GET", &url.URL{Path: "/"}); got != "" {
		t.Errorf("no templates: %q", got)
	}
}

func TestBadRoutes(t *testing.T) {
	for _, c := range []struct{ route, want string }{
		{"", "want a path"},
		{"v1", "want a path"},
		{"GET", "want a path"},
		{" /v1", "want a path"},
		{"GET v1", "want a path"},
		{"//{x}/c", "empty part"},
		{"GET /v1//items", "empty part"},
		{"/v1?x", "query"},
		{"/v1#x", "query"},
		{"/{", "braces"},
		{"/{}", "braces"},
		{"/{...}", "braces"},
		{"/a{b}", "braces"},
		{"/{b}.json", "braces"},
		{"/{a{b}}", "braces"},
		{"/{a b}", "braces"},
		{"/{x}/{x}", "twice"},
		{"/{x}/{x...}", "twice"},
		{"/{x...}/a", "at the end"},
		{"/" + strings.Repeat("x", 600), "601 bytes"},
		{"/taken/{id}", `the same as "/taken/{x}"`},
		{"PUT /taken/{id}", `the same as "PUT /taken/{x}"`},
		{"/rest/{all...}", "the same"},
	} {
		err := newRoutes(t, "/taken/{x}", "PUT /taken/{x}", "/rest/{x...}").add(c.route)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q in it", c.route, err, c.want)
		}
	}
}

// net/http's ServeMux has the same language. Where both take a set of templates,
// and the path is one that ServeMux does not redirect, they agree.
func FuzzRoutes(f *testing.F) {
	f.Add("/a/{x}", "/a/b", "/{x...}", "/a/c")
	f.Add("/a/{x}/c", "/a/b/{y}", "/{x}/", "/a/b/c")
	f.Add("/a/{x...}", "/{y}/b/c", "/", "/a/b/d")
	f.Add("GET /a", "/a", "POST /{x}", "/a%2Fb")
	f.Add("/a/{x...}", "/b", "/c", "/a")
	f.Fuzz(func(t *testing.T, a, b, c, path string) {
		r := &routes{}
		mux := http.NewServeMux()
		add := func(pattern string) (ok bool) {
			defer func() { ok = recover() == nil && ok }()
			mux.Handle(pattern, http.NotFoundHandler())
			return true
		}
		agree := true
		for _, s := range []string{a, b, c} {
			if r.add(s) != nil {
				continue
			}
			_, p, _ := strings.Cut(s, "/")
			// A slash at the end, "{$}" and an escape mean something else there.
			if strings.HasSuffix(p, "/") || p == "" || strings.ContainsAny(s, "$%\t") || !add(s) {
				agree = false
			}
		}
		u, err := url.Parse(path)
		if err != nil {
			return
		}
		got := r.match("GET", u)
		if got != "" && (got[0] != '/' || !strings.Contains(a+b+c, got)) {
			t.Fatalf("%q is no template", got)
		}
		req := &http.Request{Method: "GET", URL: u, Host: "h"}
		if !agree || u.Host != "" || u.Opaque != "" || strings.HasSuffix(u.Path, "/") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "/.") || !strings.HasPrefix(u.Path, "/") {
			return
		}
		h, want := mux.Handler(req)
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, req); rec.Code != http.StatusNotFound && rec.Code != http.StatusMethodNotAllowed {
			return // "/a" to "/a/", where that has a handler
		}
		if _, p, ok := strings.Cut(want, " "); ok {
			want = p
		}
		if got != want {
			t.Errorf("%q, ServeMux has %q, for %q of %q, %q, %q", got, want, path, a, b, c)
		}
	})
}

func TestRoutesAllocate(t *testing.T) {
	r := newRoutes(t, "/v1/items/{id}", "POST /v1/items/{id}", "/v1/{x...}")
	u := &url.URL{Path: "/v1/items/123"}
	if n := testing.AllocsPerRun(100, func() {
		if r.match("POST", u) != "/v1/items/{id}" {
			t.Fatal("no match")
		}
	}); n != 0 {
		t.Errorf("match allocates %v times", n)
	}
	c, err := compileDependencies([]Dependency{{Host: "*.example.com"}, {Host: "core:8080"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if c.find("core", 8080) == nil || c.find("api.example.com", 443) == nil || c.find("10.0.0.7.example.com", 80) == nil || c.find("other", 80) != nil {
			t.Fatal("wrong")
		}
	}); n != 0 {
		t.Errorf("find allocates %v times", n)
	}
}
