package render

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/txtrail/txtrail/internal/human"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, 한글 그대로":              "plain text, 한글 그대로",
		"a\x1b[31mred\x1b[0m":             `a\x1b[31mred\x1b[0m`,
		"\x1b]0;title\x07":                `\x1b]0;title\x07`,
		"line\r\nFAKE 200":                `line\r\nFAKE 200`,
		"tab\there":                       `tab\there`,
		"\u202egnp.exe":                   `\u202egnp.exe`,
		"\u2066x\u2069":                   `\u2066x\u2069`,
		"zero\u200bwidth\ufeff":           `zero\u200bwidth\ufeff`,
		"c1 \u009b31m \u0085":             `c1 \u009b31m \u0085`,
		"del\x7f nul\x00":                 `del\x7f nul\x00`,
		"bad \xff\xfe utf8 \xed\xa0\x80":  `bad \xff\xfe utf8 \xed\xa0\x80`,
		"\u2028\u2029":                    `\u2028\u2029`,
		"tag \U000e0041":                  `tag \U000e0041`,
		"hidden \U000e0100":               `hidden \U000e0100`,
		"private \ue000":                  `private \ue000`,
		"filler \u3164":                   `filler \u3164`,
		"e\u0301 a\u0300\u0301":           "e\u0301 a\u0300\u0301",
		"z" + strings.Repeat("\u0301", 6): "z" + strings.Repeat("\u0301", 4) + `\u0301\u0301`,
		`back\slash`:                      `back\slash`,
		"[masked:password]":               "⟨masked: password⟩",
		"a=[masked:card]&b=[masked:rrn]":  "a=⟨masked: card⟩&b=⟨masked: rrn⟩",
		"[masked:]":                       "[masked:]",
		"[masked:a b]":                    "[masked:a b]",
		"":                                "",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"\x1b[31m", "한글", "\u202e", "\xff", "[masked:x]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q gives invalid UTF-8 %q", s, got)
		}
		for _, r := range got {
			if !unicode.IsGraphic(r) || r == 0x7f {
				t.Fatalf("%q lets %U through", s, r)
			}
		}
	})
}

// What is decoded in a path is nothing that is escaped.
func TestPathIsShown(t *testing.T) {
	check := func(path string) {
		if got := human.Path(path); Escape(got) != got {
			t.Errorf("%q is shown as %q, and escaped as %q", path, got, Escape(got))
		}
	}
	escape := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			b.WriteString("%" + hex(uint64(s[i]), 2))
		}
		return b.String()
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		check(escape(string(r)))
	}
	check("/" + escape("한"+strings.Repeat("\u0342", 9)+"글"))
	check("/" + escape("[masked:x]") + escape("한"))
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"8812":           "8812",
		"/var/log/x-1.y": "/var/log/x-1.y",
		"":               "''",
		"a b":            "'a b'",
		"it's":           `'it'\''s'`,
		"$(rm -rf /)":    "'$(rm -rf /)'",
		"김민아":            "'김민아'",
		"a\nb\x1b'\\":    `$'a\x0ab\x1b\'\\'`,
		"~":              "'~'",
		"\u202ex":        `$'\xe2\x80\xaex'`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestColumnsMeasureKorean(t *testing.T) {
	for _, c := range []struct {
		got  string
		want int
	}{
		{padRight("결제", 8), 8},
		{padLeft("결제", 8), 8},
		{cut("결제 요청이 실패했습니다", 9), 9},
		{cut("결제결제결제결제결제", 12), 12},
		{cut("GET /a/very/long/path/to/it", 12), 12},
		{cut("short", 12), 5},
		{cut("abcdefghij", 3), 3},
		{cutEnd("결제결제", 5), 5},
	} {
		if got := width(c.got); got > c.want || got < c.want-1 {
			t.Errorf("%q takes %d cells, want %d", c.got, got, c.want)
		}
	}
	if got := cut("GET /api/v1/accounts/{id}/charge", 20); got != "GET /api/…id}/charge" {
		t.Errorf("cut = %q", got)
	}
}
