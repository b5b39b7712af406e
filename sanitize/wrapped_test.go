package sanitize_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// What is hidden in a document stays hidden when the document is a value in
// another one.
func TestWrapped(t *testing.T) {
	quote := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	wraps := []struct {
		name string
		kind sanitize.Kind
		ct   string
		wrap func(s string) string
	}{
		{"json string", sanitize.KindJSON, "", func(s string) string { return `{"a":` + quote(s) + `,"n":1}` }},
		{"json twice", sanitize.KindJSON, "", func(s string) string { return `{"a":` + quote(`{"b":`+quote(s)+`}`) + `,"n":1}` }},
		{"json array", sanitize.KindJSON, "", func(s string) string { return `[1,` + quote(s) + `]` }},
		{"form", sanitize.KindForm, "", func(s string) string { return "x=1&payload=" + url.QueryEscape(s) + "&n=1" }},
		{"multipart", sanitize.KindMultipart, "multipart/form-data; boundary=Zz9", func(s string) string {
			return "--Zz9\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n" + s + "\r\n--Zz9--\r\n"
		}},
		{"sse", sanitize.KindSSE, "", func(s string) string { return "data: " + strings.ReplaceAll(s, "\n", "\ndata: ") + "\n\n" }},
		{"cdata", sanitize.KindXML, "", func(s string) string { return "<r><a><![CDATA[" + s + "]]></a></r>" }},
		{"text", sanitize.KindText, "", func(s string) string { return s }},
		{"element", sanitize.KindXML, "", func(s string) string { return "<r><a>" + xmlEscape(s) + "</a></r>" }},
		{"attribute", sanitize.KindXML, "", func(s string) string { return `<r a="` + xmlEscape(s) + `"/>` }},
		{"csv", sanitize.KindCSV, "", func(s string) string {
			return "a,b\n1,\"" + strings.ReplaceAll(s, `"`, `""`) + "\"\n"
		}},
		{"ndjson", sanitize.KindNDJSON, "", func(s string) string { return `{"n":1}` + "\n" + `{"a":` + quote(s) + "}\n" }},
	}
	var p *sanitize.Policy
	for _, file := range []string{"testdata/cases.jsonl", "testdata/neighbours.jsonl"} {
		for _, s := range samples(t, file) {
			switch s.Kind {
			case "json", "text", "url", "graphql":
			default:
				continue
			}
			if s.Truncated || s.InputB64 != "" || len(s.Input) > 4096 || strings.Contains(s.Input, "]]>") || strings.Contains(s.ContentType, "charset=utf-7") {
				continue
			}
			for _, w := range wraps {
				doc := []byte(w.wrap(s.Input))
				for _, truncated := range []bool{false, true} {
					out, _ := p.AppendBody(nil, doc, sanitize.Input{Kind: w.kind, ContentType: w.ct, Truncated: truncated}, nil)
					for _, secret := range s.Secret {
						if len(secret) >= 5 && bytes.Contains(out, []byte(secret)) {
							t.Errorf("%s in %s: %q came out: %q", s.ID, w.name, secret, out)
						}
					}
				}
			}
		}
	}
}
