package capture

import (
	"math"
	"strings"
	"testing"
)

func TestBounds(t *testing.T) {
	rules, err := CompileRules([]Rule{
		{Route: "POST /login", First: -1},
		{Route: "/export/*", First: 2000, Last: 10},
		{Route: "/items/{id}", Type: "text/*", First: 100},
		{Type: "application/xml", First: 50},
		{Route: "GET *", First: 30},
		{Route: "/items/{id}"},
	}, 1000, 5000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, route, ctype string
		final                bool
		first, last          int
	}{
		{"POST", "/login", "text/plain", true, 0, 0},
		{"PUT", "/login", "text/plain", true, 1000, 0},
		{"PUT", "/export/users", "", true, 2000, 10},
		{"PUT", "/items/{id}", " Text/HTML ; charset=x", true, 100, 0},
		{"PUT", "/items/{id}", "text", true, 1000, 0},
		{"PUT", "/items/{id}", "Application/XML", true, 50, 0},
		{"GET", "/other", "", true, 30, 0},
		{"GET", "", "", true, 30, 0},
		{"PUT", "", "", true, 1000, 0},
		{"PUT", "", "", false, 2000, 10},       // while the route may still be named
		{"GET", "", "text/a", false, 2000, 10}, // the same
	} {
		if first, last := rules.Bounds(c.method, c.route, c.ctype, 1000, c.final); first != c.first || last != c.last {
			t.Errorf("%+v: %d, %d", c, first, last)
		}
	}
	if first, last := Rules(nil).Bounds("GET", "/", "", 7, false); first != 7 || last != 0 {
		t.Errorf("without rules: %d, %d", first, last)
	}
}

func TestBadRules(t *testing.T) {
	for _, c := range []struct {
		r    Rule
		want string
	}{
		{Rule{Route: "items"}, `Capture[1]: Route is "items"`},
		{Rule{Route: "GET items"}, "Route"},
		{Rule{Route: " /items"}, "Route"},
		{Rule{Type: "json"}, `Type is "json"`},
		{Rule{Type: "text/"}, "Type"},
		{Rule{Type: "text/plain; charset=utf-8"}, "Type"},
		{Rule{First: -2}, "First is -2"},
		{Rule{First: 101}, "101 together, at most 100"},
		{Rule{Last: -1}, "Last is -1"},
		{Rule{First: 60, Last: 60}, "120 together"},
		{Rule{First: 1, Last: math.MaxInt}, "together"},
	} {
		if _, err := CompileRules([]Rule{{}, c.r}, 10, 100); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.r, err, c.want)
		}
	}
}
