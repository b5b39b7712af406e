package query

import "strings"

// userAgent is the little that a story's head shows of a User-Agent.
type userAgent struct {
	browser string // "KakaoTalk 26.3.5 webview", "Chrome 141"
	os      string // "iOS 26.3", "Android 16"
	device  string // "SM-S938N", of an Android that still tells
}

// apps are tokens of apps that show pages in a WebView, which goes before the
// browser's own tokens. KakaoTalk's agent has "KAKAOTALK" in upper case and its
// version after a space or a slash; Naver's has "NAVER(inapp; search; 1000; 12.3)".
var apps = [...]struct{ token, name string }{
	{"KAKAOTALK", "KakaoTalk"},
	{"NAVER(inapp", "Naver"},
	{"Line/", "LINE"},
	{"Instagram", "Instagram"},
	{"FBAV/", "Facebook"},
	{"DaumApps/", "Daum"},
	{"BAND/", "BAND"},
}

// browsers are tokens in the order in which they decide: most agents name Chrome
// and Safari as well.
var browsers = [...]struct{ token, name string }{
	{"SamsungBrowser/", "Samsung Internet"},
	{"Whale/", "Whale"},
	{"EdgA/", "Edge"},
	{"EdgiOS/", "Edge"},
	{"Edg/", "Edge"},
	{"OPR/", "Opera"},
	{"FxiOS/", "Firefox"},
	{"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"},
	{"Chrome/", "Chrome"},
	{"Version/", "Safari"},
}

// lookUA reads a user agent by the tokens that matter most. It is a first look;
// what it does not know it leaves out.
func lookUA(ua string) userAgent {
	var u userAgent
	u.os, u.device = uaOS(ua)
	webview := strings.Contains(ua, "; wv)") ||
		u.os != "" && strings.HasPrefix(u.os, "iOS") && strings.Contains(ua, "AppleWebKit") && !strings.Contains(ua, "Safari/")
	for _, a := range apps {
		i := strings.Index(ua, a.token)
		if i < 0 {
			continue
		}
		u.browser = a.name
		if v := version(strings.TrimLeft(ua[i+len(a.token):], "/ ")); v != "" {
			u.browser += " " + v
		}
		u.browser += " webview"
		return u
	}
	for _, b := range browsers {
		i := strings.Index(ua, b.token)
		if i < 0 {
			continue
		}
		if b.name == "Safari" && !strings.Contains(ua, "Safari/") {
			continue
		}
		v, _, _ := strings.Cut(version(ua[i+len(b.token):]), ".")
		u.browser = strings.TrimSpace(b.name + " " + v)
		break
	}
	switch {
	case webview && u.browser != "":
		u.browser += " webview"
	case webview:
		u.browser = "webview"
	case u.browser == "":
		// A program: its first token says which.
		u.browser, _, _ = strings.Cut(ua, " ")
		if len(u.browser) > 40 {
			u.browser = clipText(u.browser, 40)
		}
	}
	return u
}

func uaOS(ua string) (os, device string) {
	if i := strings.Index(ua, "Android "); i >= 0 {
		rest := ua[i+len("Android "):]
		os = "Android " + version(rest)
		if end := strings.IndexByte(rest, ')'); end >= 0 {
			rest = rest[:end]
			if _, model, ok := strings.Cut(rest, "; "); ok {
				model, _, _ = strings.Cut(model, ";")
				model, _, _ = strings.Cut(model, " Build/")
				if model = strings.TrimSpace(model); model != "K" { // Chrome's reduced agent says K
					device = clipText(model, 40)
				}
			}
		}
		return strings.TrimSpace(os), device
	}
	for _, apple := range [...]string{"iPhone", "iPad"} {
		if !strings.Contains(ua, apple) {
			continue
		}
		os = "iOS"
		if i := strings.Index(ua, " OS "); i >= 0 {
			if v := version(ua[i+len(" OS "):]); v != "" {
				os += " " + v
			}
		}
		return os, ""
	}
	switch {
	case strings.Contains(ua, "Windows NT"):
		return "Windows", ""
	case strings.Contains(ua, "Mac OS X"):
		return "macOS", ""
	case strings.Contains(ua, "Linux"):
		return "Linux", ""
	}
	return "", ""
}

// version returns the version that s begins with, "_" written as ".".
func version(s string) string {
	n := 0
	for n < len(s) && n < 20 && (s[n] >= '0' && s[n] <= '9' || s[n] == '.' || s[n] == '_') {
		n++
	}
	return strings.Trim(strings.ReplaceAll(s[:n], "_", "."), ".")
}
