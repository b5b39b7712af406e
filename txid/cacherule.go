package txid

import (
	"net/http"
	"strings"
)

// SharedCacheable reports whether a shared cache (a CDN, a proxy) may keep a
// response with these headers and this status. The txid is then kept out of the
// response, since the cache would hand it to other users.
//
// The rule is RFC 9111, section 3, read strictly: "no-store" and "private" forbid
// it; "public", "s-maxage", a positive "max-age", an Expires, a CDN's own
// directive (RFC 9213), or an answer that a cache may keep by heuristics
// (Last-Modified, section 4.2.2) allow it.
func SharedCacheable(status int, h http.Header) bool {
	if targeted(h) {
		return true
	}
	cc := h["Cache-Control"]
	var allow bool
	for _, line := range cc {
		for len(line) > 0 {
			var d string
			d, line, _ = strings.Cut(line, ",")
			d = strings.TrimSpace(d)
			name, value, _ := strings.Cut(d, "=")
			name = strings.TrimSpace(name)
			switch {
			case strings.EqualFold(name, "no-store"):
				return false
			case strings.EqualFold(name, "private") && value == "":
				// private="field" forbids that field alone, so it does not count.
				return false
			case strings.EqualFold(name, "public"), strings.EqualFold(name, "s-maxage"):
				allow = true
			case strings.EqualFold(name, "max-age"):
				allow = allow || strings.Trim(strings.TrimSpace(value), `"0`) != ""
			}
		}
	}
	if allow {
		return true
	}
	if len(h["Expires"]) > 0 && h["Expires"][0] != "0" && h["Expires"][0] != "-1" {
		return true
	}
	return len(cc) == 0 && len(h["Last-Modified"]) > 0 && heuristic(status)
}

// targeted looks at the directives that are meant for shared caches alone.
func targeted(h http.Header) bool {
	for _, name := range [...]string{"Cdn-Cache-Control", "Surrogate-Control"} {
		for _, v := range h[name] {
			l := strings.ToLower(v)
			if !strings.Contains(l, "no-store") && !strings.Contains(l, "private") {
				return true
			}
		}
	}
	return false
}

// heuristic lists the statuses cacheable by default (RFC 9110, section 15.1).
func heuristic(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// FromCache reports whether the headers of a response say that a cache answered
// it: a positive Age, or an X-Cache or Cache-Status that speaks of a hit.
func FromCache(h http.Header) bool {
	if v := h["Age"]; len(v) > 0 && strings.Trim(v[0], "0 ") != "" {
		return true
	}
	for _, name := range [...]string{"X-Cache", "Cache-Status", "Cf-Cache-Status"} {
		for _, v := range h[name] {
			l := strings.ToLower(v)
			if strings.Contains(l, "hit") && !strings.Contains(l, "hit=?0") {
				return true
			}
		}
	}
	return false
}
