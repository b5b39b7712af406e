package sanitize_test

import (
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// hostile are inputs made to cost time: many anchors, deep nesting, bounds that
// are always just not reached.
func hostile(n int) map[string]string {
	rep := func(s string) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	nest := `{"password":"x"}`
	for len(nest) < n {
		q := strings.ReplaceAll(strings.ReplaceAll(nest, `\`, `\\`), `"`, `\"`)
		nest = `{"a":"` + q + `"}`
	}
	return map[string]string{
		"at":             rep("@"),
		"at words":       rep("a@"),
		"colons":         rep("a:"),
		"equals":         rep("password="),
		"keys":           rep(`"password":`),
		"percent":        rep("%25"),
		"percent words":  rep("%41 "),
		"digits":         rep("4"),
		"digit groups":   rep("4111 "),
		"single digits":  rep("4 "),
		"brackets":       rep("["),
		"bytes":          "[" + rep("65 "),
		"open markers":   rep("[masked:"),
		"braces":         `password={` + rep("{"),
		"quotes":         rep(`password="`),
		"json deep":      rep(`{"a":[`),
		"json strings":   "[" + rep(`"password=x",`) + "1]",
		"json nest":      nest,
		"json values":    `{` + rep(`"value":"a",`) + `"name":"password"}`,
		"json escapes":   `"` + rep(`\u0041`)[:n/6*6] + `"`,
		"unclosed":       rep(`{"a":"{`),
		"jwt":            rep("eyJ."),
		"jwt words":      rep("eyJh "),
		"pem":            rep("-----BEGIN PRIVATE KEY-----"),
		"pem open":       rep("-----BEGIN "),
		"dashes":         rep("-"),
		"under":          rep("a_"),
		"ansi":           rep("\x1b[1m"),
		"ansi lines":     rep("a\x1b[1mb\n"),
		"wide":           rep("\uff20"),
		"url":            rep("http://"),
		"url path":       "http://a/" + rep("a/"),
		"url query":      "/?" + rep("a=b&"),
		"url questions":  "/?" + rep("?"),
		"semicolons":     rep("a;b"),
		"tags":           rep("<a"),
		"tags open":      rep("<a>"),
		"tags sensitive": rep("<password>"),
		"attributes":     "<a " + rep(`b="c" `) + ">",
		"entities":       rep("&amp;"),
		"comments":       rep("<!--"),
		"doctype":        rep("<!["),
		"close tags":     rep("<a></b>"),
		"base64":         rep("eyJhIjoi"),
		"encoded words":  rep("=?utf-8?B?"),
		"data":           rep("data:a/b,"),
		"bearer":         rep("bearer "),
		"flags":          rep(" --password"),
		"upper":          rep("AKIA"),
		"yaml":           rep("password:\n"),
		"yaml deep":      rep("- - a:\n"),
		"csv":            "a,password\n" + rep("\"\n"),
		"cookies":        rep("a=b;"),
		"sse":            rep("data: {\"a\":\n"),
		"multipart":      rep("--B\r\n\r\n"),
		"boundary":       rep("x--B"),
		"newlines":       rep("\n"),
		"spaces":         "password=" + rep(" "),
		"backslashes":    rep(`\`),
		"long word":      rep("a"),
		"iban":           rep("DE89 "),
	}
}

var allKinds = []sanitize.Kind{
	sanitize.KindJSON, sanitize.KindForm, sanitize.KindURL, sanitize.KindHeader, sanitize.KindCookie, sanitize.KindSetCookie,
	sanitize.KindMultipart, sanitize.KindXML, sanitize.KindHTML, sanitize.KindYAML, sanitize.KindCSV, sanitize.KindText, sanitize.KindSSE,
}

// Every hostile input comes to an end in every grammar, without a panic and
// without growing out of bounds. (BenchmarkHostile shows that it does so in
// linear time.)
func TestHostile(t *testing.T) {
	var p *sanitize.Policy
	for name, in := range hostile(4 << 10) {
		for _, k := range allKinds {
			out, res := p.AppendBody(nil, []byte(in), sanitize.Input{Kind: k, ContentType: "x/y; boundary=B"}, nil)
			if res.Reason == "internal fault" {
				t.Errorf("%s as %s: a panic", name, k)
			}
			if len(out) > 40*len(in) {
				t.Errorf("%s as %s: %d bytes out", name, k, len(out))
			}
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	var p *sanitize.Policy
	for _, n := range []int{16 << 10, 64 << 10} {
		for name, in := range hostile(n) {
			for _, k := range allKinds {
				src := []byte(in)
				b.Run(name+"/"+k.String()+"/"+map[bool]string{true: "16K", false: "64K"}[n == 16<<10], func(b *testing.B) {
					b.SetBytes(int64(len(src)))
					var dst []byte
					for b.Loop() {
						dst, _ = p.AppendBody(dst[:0], src, sanitize.Input{Kind: k, ContentType: "x/y; boundary=B"}, nil)
					}
				})
			}
		}
	}
}
