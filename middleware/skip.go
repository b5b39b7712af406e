package middleware

import (
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/internal/capture"
)

// SkipNoise leaves out what nobody looks up and what comes most often: static
// files (by extension), /favicon.ico, and health checks (the usual paths, and the user
// agents of the probes of Kubernetes, of the large clouds' load balancers and of
// Consul). Only GET and HEAD are left out, and by its user agent alone only what has
// neither a Cookie nor an Authorization, since anybody can call himself a probe. Use it
// as [Options.Skip]. What it leaves out it leaves out when it fails as well, and whoever
// knows it can have a GET of his left out where a route takes any end of the path: where
// that matters, record all and decide by [Options.Keep].
//
// A static file is one whose path ends in .css, .js, .mjs, .map, .ico, .png, .jpg,
// .jpeg, .gif, .webp, .avif, .svg, .woff, .woff2, .ttf, .otf or .eot.
func SkipNoise(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != "" {
		return false // it may have changed something
	}
	if r.URL != nil {
		switch r.URL.Path {
		case "/healthz", "/livez", "/readyz", "/health", "/health/live", "/health/ready", "/_health",
			"/actuator/health", "/_ah/health", "/ping", "/favicon.ico":
			return true
		}
		if staticFile(r.URL.Path) {
			return true
		}
	}
	return probe(first(r.Header, "User-Agent")) && r.Header["Cookie"] == nil && r.Header["Authorization"] == nil
}

// probe tells health checks by how their user agent begins.
func probe(ua string) bool {
	if ua == "" {
		return false
	}
	switch ua[0] { // nearly all begin with Mozilla
	case 'k', 'G', 'E', 'A', 'C', 'L':
	default:
		return false
	}
	for _, p := range [...]string{
		"kube-probe/", "GoogleHC/", "ELB-HealthChecker/", "Amazon-Route53-Health-Check-Service", // Kubernetes, Google, AWS
		"Edge Health Probe", "Load Balancer Agent", "Consul Health Check", // two of Azure, Consul
	} {
		if strings.HasPrefix(ua, p) {
			return true
		}
	}
	return false
}

// longestExtension is that of ".woff2", in bytes.
const longestExtension = 6

func staticFile(path string) bool {
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 || len(path)-dot > longestExtension {
		return false
	}
	ext := path[dot+1:]
	var low [longestExtension]byte
	for i := range len(ext) {
		c := ext[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	switch string(low[:len(ext)]) {
	case "css", "js", "mjs", "map", "ico", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg",
		"woff", "woff2", "ttf", "otf", "eot":
		return true
	}
	return false
}

// SkipBots leaves out crawlers that say that they are. It knows the large search
// engines, link previews and monitors, by whole words of the user agent; a
// visitor who pretends to be one is left out as well. Use it as [Options.Skip].
func SkipBots(r *http.Request) bool {
	ua := first(r.Header, "User-Agent")
	for ua != "" {
		end := strings.IndexFunc(ua, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
		})
		word := ua
		if end >= 0 {
			word, ua = ua[:end], ua[end+1:]
		} else {
			ua = ""
		}
		if botWord(word) {
			return true
		}
	}
	return false
}

// botWord tells bots by their names' habit: Googlebot, bingbot, Yeti, AhrefsBot.
func botWord(w string) bool {
	const longest = 40
	if len(w) < 3 || len(w) > longest {
		return false
	}
	w = strings.ToLower(w)
	for _, end := range [...]string{"bot", "bots", "spider", "crawler"} {
		if strings.HasSuffix(w, end) {
			// CUBOT makes telephones.
			return w != "cubot"
		}
	}
	switch w {
	case "yeti", "slurp", "daumoa", "facebookexternalhit", "kakaotalk-scrap", "bingpreview",
		"googleother", "google-inspectiontool", "mediapartners-google", "adsbot-google", "apis-google",
		"pingdom", "uptimerobot", "headlesschrome", "ia_archiver":
		return true
	}
	return false
}

// SkipUserAgents leaves out requests whose user agent contains one of words, in any
// case: "bingpreview", "my-monitor/". An empty word matches nothing.
func SkipUserAgents(words ...string) func(*http.Request) bool {
	var low []string
	for _, w := range words {
		if w != "" {
			low = append(low, strings.ToLower(w))
		}
	}
	return func(r *http.Request) bool {
		ua := first(r.Header, "User-Agent")
		if ua == "" || len(low) == 0 {
			return false
		}
		ua = strings.ToLower(capture.Bound(ua, 1<<10))
		for _, w := range low {
			if strings.Contains(ua, w) {
				return true
			}
		}
		return false
	}
}

// SkipPaths leaves out requests for the given paths; with a "*" at its end, one
// stands for all that begin so: "/metrics", "/assets/*". An empty path matches
// nothing.
func SkipPaths(paths ...string) func(*http.Request) bool {
	paths = append([]string(nil), paths...)
	return func(r *http.Request) bool {
		if r.URL == nil {
			return false
		}
		for _, p := range paths {
			if begin, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(r.URL.Path, begin) || p != "" && p == r.URL.Path {
				return true
			}
		}
		return false
	}
}

// AnySkip leaves out what any of skips leaves out. Nil ones are ignored.
func AnySkip(skips ...func(*http.Request) bool) func(*http.Request) bool {
	skips = append([]func(*http.Request) bool(nil), skips...)
	return func(r *http.Request) bool {
		for _, s := range skips {
			if s != nil && s(r) {
				return true
			}
		}
		return false
	}
}
