package human

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestPath(t *testing.T) {
	for in, want := range map[string]string{
		"":                                         "",
		"/api/items/7":                             "/api/items/7",
		"/api/%ed%95%9c%EA%B8%80/7":                "/api/한글/7",
		"/%E3%82%AC%E3%83%81%E3%83%A3":             "/ガチャ",
		"/caf%C3%A9/%E6%97%A5%E6%9C%AC":            "/café/日本",
		"/%E0%B8%99%E0%B9%89%E0%B8%B3":             "/น้ำ",
		"/%F0%AA%9A%A5":                            "/𪚥",
		"/한글/%ED%95%9C/%ea%b8%80":                  "/한글/한/글",
		"/a%2fb%2F%25%3f%3F%23%20%5c":              "/a%2fb%2F%25%3f%3F%23%20%5c",
		"/%25ed%2595%259c":                         "/%25ed%2595%259c", // escaped twice
		"/%ed%95%9c%2f%ed%95%9c":                   "/한%2f한",
		"/%e2%80%ae%e2%81%a6%d8%9c":                "/%e2%80%ae%e2%81%a6%d8%9c",                // bidirectional controls
		"/%d7%90%d7%91/%d8%b9/%d9%a1":              "/%d7%90%d7%91/%d8%b9/%d9%a1",              // from right to left: they would turn the slashes
		"/%e2%80%a8%e2%80%a9%c2%85%c2%a0%e3%80%80": "/%e2%80%a8%e2%80%a9%c2%85%c2%a0%e3%80%80", // separators
		"/%e2%80%8b%ef%bb%bf%e3%85%a4%c2%ad":       "/%e2%80%8b%ef%bb%bf%e3%85%a4%c2%ad",       // nothing to see
		"/%ef%bc%8f%e2%88%95%e2%81%84%ef%bc%85":    "/%ef%bc%8f%e2%88%95%e2%81%84%ef%bc%85",    // what looks like a slash or a percent sign
		"/%ef%bc%a1%f0%9d%90%80%ef%bc%91":          "/%ef%bc%a1%f0%9d%90%80%ef%bc%91",          // what looks like A and 1
		"/%e2%9f%a8masked%e2%9f%a9":                "/%e2%9f%a8masked%e2%9f%a9",
		"/%f0%9f%98%80":                            "/%f0%9f%98%80",
		"/%ed%95/%ff%fe/%ed%a0%80/%c0%af":          "/%ed%95/%ff%fe/%ed%a0%80/%c0%af", // no UTF-8
		"/%ed%95%9c%ff%ed%95%9c":                   "/한%ff한",
		"/%e1%84%92%e1%85%a1%e1%86%ab":             "/%e1%84%92%e1%85%a1%e1%86%ab", // 한, decomposed
		"/e%cc%81/%cc%b8":                          "/e%cc%81/%cc%b8",              // a mark on a letter, or a slash, of ASCII
		"/%e3%81%8b%e3%82%99":                      "/%e3%81%8b%e3%82%99",
		"/%e3%81%8b\u3099":                         "/%e3%81%8b\u3099", // would combine
		"/か%e3%82%99":                              "/か%e3%82%99",
		"/%e4%b8%80%ef%b8%80%f3%a0%84%80":          "/一%ef%b8%80%f3%a0%84%80", // variation selectors
		"/%e4%b8%80" + strings.Repeat("%cd%82", 6): "/一" + strings.Repeat("\u0342", 4) + "%cd%82%cd%82",
		"%":              "%",
		"/%e":            "/%e",
		"/%ed%":          "/%ed%",
		"/%zz%ed%95%9cz": "/%zz한z",
	} {
		if got := Path(in); got != want {
			t.Errorf("Path(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

// What is shown stands for one path alone: unescaped, it is what the path
// is unescaped.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/%ed%95%9c/%2f", "/%e1%84%92%e1%85%a1", "/%cc%81%", "/한%ea%b8%80", "/%ef%bc%a1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Path(s)
		if again := Path(got); again != got && utf8.ValidString(s) {
			t.Errorf("%q is shown as %q, and that as %q", s, got, again)
		}
		if strings.Count(got, "/") != strings.Count(s, "/") || strings.Count(got, "?") != strings.Count(s, "?") || strings.Count(got, "#") != strings.Count(s, "#") {
			t.Errorf("%q is shown as %q", s, got)
		}
		if was, err := url.PathUnescape(s); err == nil {
			if is, err := url.PathUnescape(got); err != nil || is != was {
				t.Errorf("%q is shown as %q, which is another path", s, got)
			}
		}
	})
}

func TestPathEveryRune(t *testing.T) {
	seen := make(map[string]rune)
	for r := rune(0x80); r <= 0x10ffff; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		var b strings.Builder
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02x", c)
		}
		got := Path(b.String())
		if got != b.String() && got != string(r) {
			t.Fatalf("%U: %q", r, got)
		}
		if got == string(r) {
			n := norm.NFC.String(got)
			if other, ok := seen[n]; ok {
				t.Fatalf("%U and %U are shown alike", r, other)
			}
			seen[n] = r
		}
	}
	if n := len(seen); n < 100_000 {
		t.Errorf("only %d letters are shown", n)
	}
}
