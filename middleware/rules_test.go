package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

func TestCaptureRules(t *testing.T) {
	body := strings.Repeat("0123456789", 300)
	rules := []middleware.CaptureRule{
		{Route: "POST /login", First: -1},
		{Route: "/export/*", First: 2000},
		{Route: "/items/{id}", Type: "text/*", First: 100},
		{Type: "application/xml", First: 50},
		{Route: "/items/{id}"},
	}
	mux := http.NewServeMux()
	for _, p := range []string{"POST /login", "PUT /login", "/export/{name}", "/items/{id}", "/other"} {
		mux.HandleFunc(p, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header()["Content-Type"] = r.Header["Content-Type"]
			_, _ = w.Write(b)
		})
	}
	// Reading before the route is known must not keep more in the end.
	readFirst := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		mux.ServeHTTP(w, r)
	})
	for _, c := range []struct {
		method, path, ctype string
		want                int
	}{
		{"POST", "/login", "text/plain", 0},
		{"PUT", "/login", "text/plain", 1000},
		{"POST", "/export/users", "application/json", 2000},
		{"POST", "/export/users", "application/xml", 2000},
		{"POST", "/items/7", "text/plain; charset=utf-8", 100},
		{"POST", "/items/7", "Text/Plain", 100},
		{"POST", "/items/7", "application/xml", 50},
		{"POST", "/items/7", "application/json", 1000},
		{"POST", "/other", "APPLICATION/XML", 50},
		{"POST", "/other", "text/plain", 1000},
		{"POST", "/other", "", 1000},
		{"POST", "/nowhere", "text/plain", 1000},
	} {
		for name, h := range map[string]http.Handler{"routed": mux, "read before routing": readFirst} {
			s, rec := serve(t, middleware.Options{MaxBody: 1000, Capture: rules}, h.ServeHTTP)
			r := request(t, c.method, s.URL+c.path, strings.NewReader(body))
			r.Header["Content-Type"] = nil
			if c.ctype != "" {
				r.Header.Set("Content-Type", c.ctype)
			}
			_, got := do(t, s.Client(), r)
			e := rec.one(t)
			what := c.method + " " + c.path + " " + c.ctype + ", " + name
			req := &e.Request.Body
			if c.path == "/nowhere" && name == "routed" {
				continue // nobody read it
			}
			if string(req.Raw) != body[:c.want] || req.Size != 3000 || !req.Truncated {
				t.Errorf("%s: request: %d bytes of %d, want %d", what, len(req.Raw), req.Size, c.want)
			}
			if c.want > 0 && req.Reason != "capture limit" {
				t.Errorf("%s: reason %q", what, req.Reason)
			}
			if c.path == "/nowhere" {
				continue
			}
			if got != body {
				t.Errorf("%s: the client got %d bytes", what, len(got))
			}
			if res := &e.Response.Body; string(res.Raw) != body[:c.want] || res.Size != 3000 || !res.Truncated {
				t.Errorf("%s: response: %d bytes of %d, want %d", what, len(res.Raw), res.Size, c.want)
			}
		}
	}
}

// A router of another make names the route after the answer has begun.
func TestRouteNamedLate(t *testing.T) {
	s, rec := serve(t, middleware.Options{Capture: []middleware.CaptureRule{{Route: "/late", First: 5}}}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "0123456789")
		middleware.SetRoute(r.Context(), "/late")
	})
	do(t, s.Client(), request(t, "GET", s.URL, nil))
	if b := rec.one(t).Response.Body; string(b.Raw) != "01234" || b.Size != 10 || b.Reason != "capture limit" {
		t.Errorf("recorded %+v", b)
	}
}

func TestLastBytes(t *testing.T) {
	var events, lines strings.Builder
	for range 100 {
		events.WriteString("data: {\"n\":\"0123456789\"}\n\n") // 26 bytes
		lines.WriteString("{\"n\":\"01234567890123456\"}\n")   // 26 bytes
	}
	for _, c := range []struct {
		name, ctype, encoding, body string
		rule                        middleware.CaptureRule
		want                        string
		truncated                   bool
	}{
		{
			"events", "text/event-stream; charset=utf-8", "", events.String(),
			middleware.CaptureRule{First: 60, Last: 60},
			events.String()[:52] + ": 2496 bytes not kept\n\n" + events.String()[:52], true,
		},
		{
			"lines", "application/x-ndjson", "", lines.String(),
			middleware.CaptureRule{First: 60, Last: 60},
			lines.String()[:52] + "\"[2496 bytes not kept]\"\n" + lines.String()[:52], true,
		},
		{
			"the end alone", "application/x-ndjson", "", lines.String(),
			middleware.CaptureRule{First: -1, Last: 30},
			"\"[2574 bytes not kept]\"\n" + lines.String()[:26], true,
		},
		{"no whole record", "application/x-ndjson", "", lines.String(), middleware.CaptureRule{First: 10, Last: 10}, "\"[2600 bytes not kept]\"\n", true},
		{"all of it", "application/x-ndjson", "", lines.String(), middleware.CaptureRule{First: 1300, Last: 1300}, lines.String(), false},
		{"all but a byte", "application/x-ndjson", "", lines.String(), middleware.CaptureRule{First: 1300, Last: 1299}, lines.String()[:1300] + "\"[26 bytes not kept]\"\n" + lines.String()[:1274], true},
		{"not made of records", "application/json", "", lines.String(), middleware.CaptureRule{First: 60, Last: 60}, lines.String()[:60], true},
		{"compressed", "application/x-ndjson", "gzip", lines.String(), middleware.CaptureRule{First: 60, Last: 60}, lines.String()[:60], true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, piece := range []int{1, 7, 26, 100, 5000} {
				s, rec := serve(t, middleware.Options{Capture: []middleware.CaptureRule{c.rule}}, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", c.ctype)
					if c.encoding != "" {
						w.Header().Set("Content-Encoding", c.encoding)
					}
					for rest := c.body; rest != ""; {
						n := min(piece, len(rest))
						_, _ = io.WriteString(w, rest[:n])
						rest = rest[n:]
					}
				})
				r := request(t, "GET", s.URL, nil)
				r.Header.Set("Accept-Encoding", "identity")
				if _, got := do(t, s.Client(), r); got != c.body {
					t.Errorf("pieces of %d: the client got %d bytes", piece, len(got))
				}
				b := rec.one(t).Response.Body
				if string(b.Raw) != c.want || b.Truncated != c.truncated || b.Size != int64(len(c.body)) {
					t.Errorf("pieces of %d: truncated %v, size %d, recorded\n%q, want\n%q", piece, b.Truncated, b.Size, b.Raw, c.want)
				}
				s.Close()
			}
		})
	}
}

// A rule that turns out not to apply leaves nothing of the body's end behind.
func TestLastBytesOfAnotherRoute(t *testing.T) {
	rules := []middleware.CaptureRule{{Route: "/events", First: 10, Last: 100}, {First: 26}}
	s, rec := serve(t, middleware.Options{Capture: rules}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, strings.Repeat("{\"n\":\"01234567890123456\"}\n", 100))
		middleware.SetRoute(r.Context(), "/other")
	})
	do(t, s.Client(), request(t, "GET", s.URL, nil))
	if b := rec.one(t).Response.Body; len(b.Raw) != 26 || b.Size != 2600 || b.Reason != "capture limit" {
		t.Errorf("recorded %+v", b)
	}
}

func TestCaptureRuleErrors(t *testing.T) {
	for want, r := range map[string]middleware.CaptureRule{
		"Route":              {Route: "items"},
		"Route is \"POST \"": {Route: "POST "},
		"Type":               {Type: "json"},
		"Type is":            {Type: "application/json; charset=utf-8"},
		"First":              {First: -2},
		"Last":               {Last: -1},
		"together":           {First: entry.MaxBody, Last: 1},
	} {
		_, err := middleware.New(newQueue(t), &middleware.Options{Capture: []middleware.CaptureRule{{}, r}})
		if !errors.Is(err, middleware.ErrOptions) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Capture[1]") {
			t.Errorf("%+v: %v", r, err)
		}
	}
	ok := []middleware.CaptureRule{{}, {Route: "*"}, {Route: "GET *"}, {Route: "/a/*"}, {Route: "GET /a"}, {Type: "text/*"}, {First: 1, Last: entry.MaxBody - 1}}
	if _, err := middleware.New(newQueue(t), &middleware.Options{Capture: ok}); err != nil {
		t.Error(err)
	}
}
