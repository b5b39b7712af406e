package txid

import (
	"net/http"
	"strings"
	"time"
)

// SharedCacheable reports whether a shared cache (a CDN, a proxy) may keep a
// response with these headers and this status, and answer another user from it
// without asking us. The txid is then kept out of the response, since the cache
// would hand it to that other user.
//
// The rule is RFC 9111 read for safety, in this order:
//
//   - a directive that is meant for shared caches alone decides first, where it
//     allows: CDN-Cache-Control (RFC 9213), its vendors' forms,
//     Surrogate-Control, X-Accel-Expires;
//   - "no-store" forbids (section 5.2.2.5), unless "must-understand" stands
//     beside it (5.2.2.3); so does an unqualified "private" (5.2.2.7);
//   - "public" (5.2.2.9) and "s-maxage" (5.2.2.10) allow, and a positive
//     "max-age" does (5.2.2.1);
//   - so does a time for which what is stale may be served (RFC 5861);
//   - "max-age=0" and "no-cache" (5.2.2.4) allow keeping but not answering
//     without asking: our own 304 then brings the right ID (section 3.2), so they
//     count as not cacheable;
//   - an Expires that is a date counts where no max-age overrides it (5.3);
//   - a Last-Modified or an ETag on a status that is cacheable by heuristics allows:
//     how long such a response is fresh is the cache's to say (4.2.2), and some say
//     an hour of an ETag alone;
//   - a 304 allows. It is the answer to whoever has kept a response, and its fields
//     replace those of what was kept (4.3.4), while what says that this may be served
//     to others may stand there alone: net/http leaves out Last-Modified beside an ETag.
//
// The names in h are in canonical form, but for ETag, which some put into the map as it is
// spelled: both are looked for.
func SharedCacheable(status int, h http.Header) bool {
	if targeted(h) {
		return true
	}
	var d directives
	d.read(h["Cache-Control"])
	switch {
	case d.forbidden():
		return false
	case d.public, d.sMaxAge, d.stale, d.maxAge == positive:
		return true
	case d.noCache, d.maxAge == zero:
		return false
	}
	if v := h["Expires"]; len(v) > 0 {
		return future(v[0], h)
	}
	return status == http.StatusNotModified || heuristic(status) &&
		(len(h["Last-Modified"]) > 0 || len(h["Etag"]) > 0 || len(h["ETag"]) > 0) //nolint:staticcheck // past Set
}

// directives is what a Cache-Control says that matters here.
type directives struct {
	noStore, mustUnderstand, private, noCache, public, sMaxAge, stale bool
	maxAge                                                            age
}

type age uint8

const (
	absent age = iota
	zero
	positive
)

func (d *directives) forbidden() bool {
	return d.private || d.noStore && !d.mustUnderstand
}

func (d *directives) read(lines []string) {
	for _, line := range lines {
		for line != "" {
			var item string
			item, line = cutDirective(line)
			name, value, _ := strings.Cut(item, "=")
			d.add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
}

func (d *directives) add(name, value string) {
	switch {
	case strings.EqualFold(name, "no-store"):
		d.noStore = true
	case strings.EqualFold(name, "must-understand"):
		d.mustUnderstand = true
	case strings.EqualFold(name, "private"):
		// private="field" forbids that field alone, so it does not count.
		d.private = d.private || value == ""
	case strings.EqualFold(name, "no-cache"):
		d.noCache = d.noCache || value == ""
	case strings.EqualFold(name, "public"):
		d.public = true
	case strings.EqualFold(name, "s-maxage"):
		d.sMaxAge = true
	case strings.EqualFold(name, "stale-while-revalidate"), strings.EqualFold(name, "stale-if-error"):
		d.stale = d.stale || !isZero(value)
	case strings.EqualFold(name, "max-age"):
		a := positive
		if isZero(value) {
			a = zero
		}
		d.maxAge = max(d.maxAge, a)
	}
}

// isZero reports whether a number of seconds is 0, or none.
func isZero(value string) bool { return strings.Trim(value, `"0`) == "" }

// cutDirective cuts line at the first comma outside quotes.
func cutDirective(line string) (item, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

// targeted looks at the directives that are meant for shared caches alone. What
// they forbid binds their own cache only, so it does not end the question.
func targeted(h http.Header) bool {
	for _, name := range [...]string{"Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control"} {
		if v := h[name]; len(v) > 0 {
			var d directives
			d.read(v)
			if !d.forbidden() && !d.noCache && d.maxAge != zero {
				return true
			}
		}
	}
	// nginx: seconds, or @ and a point in time; 0 switches caching off.
	v := h["X-Accel-Expires"]
	return len(v) > 0 && v[0] != "" && v[0] != "0" && v[0] != "off"
}

// future reports whether an Expires lies after the response's Date. What is no
// date has expired (RFC 9111, section 5.3). Where the Date is not set yet, the
// dates long past that are customary for "never" (1970, 1981, 1990, 1997) are
// told from real ones by the century.
func future(expires string, h http.Header) bool {
	t, err := http.ParseTime(expires)
	if err != nil {
		return false
	}
	if v := h["Date"]; len(v) > 0 {
		if date, err := http.ParseTime(v[0]); err == nil {
			return t.After(date)
		}
	}
	return t.After(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
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
// it: a positive Age (RFC 9111, section 5.1), or an X-Cache, Cache-Status (RFC
// 9211) or CF-Cache-Status that speaks of a hit.
func FromCache(h http.Header) bool {
	if v := h["Age"]; len(v) > 0 && strings.Trim(v[0], "0 ") != "" {
		return true
	}
	for _, name := range [...]string{"X-Cache", "Cache-Status", "Cf-Cache-Status"} {
		for _, v := range h[name] {
			if saysHit(v) {
				return true
			}
		}
	}
	return false
}

// saysHit looks for the word "hit", which "white" is not, nor is "hit=?0".
func saysHit(v string) bool {
	for i := 0; i+3 <= len(v); i++ {
		if !strings.EqualFold(v[i:i+3], "hit") {
			continue
		}
		rest := v[i+3:]
		if (i == 0 || !wordByte(v[i-1])) && (rest == "" || !wordByte(rest[0])) && !strings.HasPrefix(rest, "=?0") {
			return true
		}
	}
	return false
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
