package query

import "testing"

func TestLookUA(t *testing.T) {
	const apple = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	for ua, want := range map[string]userAgent{
		apple + "Mobile/15E148 KAKAOTALK 26.3.5":                          {"KakaoTalk 26.3.5 webview", "iOS 26.3", ""},
		apple + "Mobile/15E148":                                           {"webview", "iOS 26.3", ""},
		apple + "Version/26.3 Mobile/15E148 Safari/604.1":                 {"Safari 26", "iOS 26.3", ""},
		apple + "CriOS/141.0.1 Mobile/15E148 Safari/604.1":                {"Chrome 141", "iOS 26.3", ""},
		apple + "Mobile/15E148 NAVER(inapp; search; 1000; 12.3.4; 16PRO)": {"Naver webview", "iOS 26.3", ""},
		apple + "Mobile/15E148 Safari Line/15.2.0":                        {"LINE 15.2.0 webview", "iOS 26.3", ""},
		"Mozilla/5.0 (Linux; Android 16; SM-S938N Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0.0.0 Mobile Safari/537.36":                   {"Chrome 141 webview", "Android 16", "SM-S938N"},
		"Mozilla/5.0 (Linux; Android 16; SM-S938N Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0.0.0 Mobile Safari/537.36;KAKAOTALK 2610350": {"KakaoTalk 2610350 webview", "Android 16", "SM-S938N"},
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36":                                                     {"Chrome 141", "Android 10", ""},
		"Mozilla/5.0 (Linux; Android 15; SM-F966N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":                          {"Samsung Internet 28", "Android 15", "SM-F966N"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0":                                       {"Edge 141", "Windows", ""},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":                                               {"Safari 26", "macOS", ""},
		"Go-http-client/2.0":   {"Go-http-client/2.0", "", ""},
		"curl/8.14.1":          {"curl/8.14.1", "", ""},
		"":                     {"", "", ""},
		"Android ":             {"Android", "Android", ""},
		"KAKAOTALK":            {"KakaoTalk webview", "", ""},
		"\x1b[31m\u202e; wv)(": {"webview", "", ""},
	} {
		if got := lookUA(ua); got != want {
			t.Errorf("lookUA(%q)\n got %+v\nwant %+v", ua, got, want)
		}
	}
}

func FuzzLookUA(f *testing.F) {
	f.Add("Mozilla/5.0 (Linux; Android 16; SM-S938N Build/UP1A; wv) Chrome/1")
	f.Fuzz(func(t *testing.T, ua string) {
		u := lookUA(ua)
		if len(u.browser) > 80 || len(u.device) > 80 || len(u.os) > 40 {
			t.Errorf("%q gives %+v", ua, u)
		}
	})
}
