package sanitize_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/sanitize"
)

// seed adds the sample cases of the kinds to a fuzz target.
func seed(f *testing.F, kinds ...string) {
	for _, s := range samples(f, "testdata/cases.jsonl") {
		for _, k := range kinds {
			if s.Kind == k && len(s.Input) < 4096 {
				f.Add(s.bytes(f), s.Truncated)
			}
		}
	}
}

// anyInput checks what holds for every input of every kind: no panic, UTF-8
// out, bounded size, the same again, a fixed point, and nothing more from a
// prefix that is said to be one.
func anyInput(t *testing.T, in []byte, opt sanitize.Input) []byte {
	var p *sanitize.Policy
	out, res := p.AppendBody(nil, in, opt, nil)
	if !utf8.Valid(out) {
		t.Fatalf("not UTF-8: %q -> %q", in, out)
	}
	if res.Reason == "internal fault" {
		t.Fatalf("a panic: %q", in)
	}
	packed := bytes.HasPrefix(in, []byte("\x1f\x8b")) || bytes.HasPrefix(in, []byte("\x28\xb5\x2f\xfd"))
	if len(out) > 40*len(in)+256 && !packed { // what is decompressed has bounds of its own
		t.Fatalf("%d bytes became %d", len(in), len(out))
	}
	again, res2 := p.AppendBody(nil, in, opt, nil)
	if !bytes.Equal(out, again) || res != res2 {
		t.Fatalf("not deterministic: %q: %q, %q", in, out, again)
	}
	if res.Reason == "" && !opt.Truncated && opt.ContentEncoding == "" {
		twice, _ := p.AppendBody(nil, out, opt, nil)
		if !bytes.Equal(out, twice) {
			t.Fatalf("twice changes it:\nin    %q\nonce  %q\ntwice %q", in, out, twice)
		}
	}
	return out
}

func FuzzJSON(f *testing.F) {
	seed(f, "json", "ndjson", "graphql")
	f.Fuzz(func(t *testing.T, in []byte, truncated bool) {
		opt := sanitize.Input{Kind: sanitize.KindJSON, Truncated: truncated}
		out := anyInput(t, in, opt)
		// Only here: in other charsets, and where a marker stands, the bytes are
		// not what is read as JSON.
		if utf8.Valid(in) && bytes.IndexByte(in[:min(len(in), 4)], 0) < 0 && !bytes.Contains(in, []byte("[masked:")) {
			agree(t, nil, in)
		}
		_, res := (*sanitize.Policy)(nil).AppendBody(nil, in, sanitize.Input{Kind: sanitize.KindJSON}, nil)
		if !truncated && res.Reason == "" && json.Valid(in) && utf8.Valid(in) {
			sameJSON(t, in, out)
		}
	})
}

// sameJSON checks that the output has the input's structure, and each value
// either untouched or with a marker in it.
func sameJSON(t *testing.T, in, out []byte) {
	a, b := json.NewDecoder(bytes.NewReader(in)), json.NewDecoder(bytes.NewReader(out))
	a.UseNumber()
	b.UseNumber()
	depth := 0
	for {
		x, errA := a.Token()
		y, errB := b.Token()
		if errA == io.EOF && errB == io.EOF {
			return
		}
		if errA != nil || errB != nil {
			t.Fatalf("the structures differ:\n%q\n%q", in, out)
		}
		if s, ok := y.(string); ok && s != x {
			if !strings.Contains(s, "[masked:") {
				t.Fatalf("%v became %v without a marker", x, y)
			}
			if d, ok := x.(json.Delim); ok { // hidden whole: step over it
				depth = 1
				_ = d
				for depth > 0 {
					tok, err := a.Token()
					if err != nil {
						t.Fatal(err)
					}
					switch tok {
					case json.Delim('{'), json.Delim('['):
						depth++
					case json.Delim('}'), json.Delim(']'):
						depth--
					}
				}
			}
			continue
		}
		if x != y {
			t.Fatalf("%v became %v:\n%q\n%q", x, y, in, out)
		}
	}
}

func fuzzKind(f *testing.F, kind sanitize.Kind, ct string, seeds ...string) {
	seed(f, seeds...)
	f.Fuzz(func(t *testing.T, in []byte, truncated bool) {
		anyInput(t, in, sanitize.Input{Kind: kind, ContentType: ct, Truncated: truncated})
	})
}

func FuzzForm(f *testing.F) {
	fuzzKind(f, sanitize.KindForm, "application/x-www-form-urlencoded", "form")
}
func FuzzURL(f *testing.F)       { fuzzKind(f, sanitize.KindURL, "", "url", "query") }
func FuzzHeader(f *testing.F)    { fuzzKind(f, sanitize.KindHeader, "", "header") }
func FuzzCookie(f *testing.F)    { fuzzKind(f, sanitize.KindCookie, "", "cookie") }
func FuzzSetCookie(f *testing.F) { fuzzKind(f, sanitize.KindSetCookie, "", "set-cookie") }
func FuzzXML(f *testing.F)       { fuzzKind(f, sanitize.KindXML, "application/xml", "xml") }
func FuzzHTML(f *testing.F)      { fuzzKind(f, sanitize.KindHTML, "text/html", "html") }
func FuzzYAML(f *testing.F)      { fuzzKind(f, sanitize.KindYAML, "application/yaml", "yaml") }
func FuzzCSV(f *testing.F)       { fuzzKind(f, sanitize.KindCSV, "text/csv", "csv") }
func FuzzSSE(f *testing.F)       { fuzzKind(f, sanitize.KindSSE, "text/event-stream", "sse") }
func FuzzText(f *testing.F)      { fuzzKind(f, sanitize.KindText, "text/plain", "text") }
func FuzzMultipart(f *testing.F) {
	fuzzKind(f, sanitize.KindMultipart, "multipart/form-data; boundary=B", "multipart")
}

// FuzzAuto gives any bytes with any content type and encoding.
func FuzzAuto(f *testing.F) {
	for _, s := range samples(f, "testdata/cases.jsonl") {
		if len(s.Input) < 2048 && len(s.InputB64) < 2048 {
			f.Add(s.bytes(f), s.ContentType, s.ContentEncoding, s.Truncated)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, ct, ce string, truncated bool) {
		var p *sanitize.Policy
		out, res := p.AppendBody(nil, in, sanitize.Input{ContentType: ct, ContentEncoding: ce, Truncated: truncated}, nil)
		if !utf8.Valid(out) {
			t.Fatalf("not UTF-8: %q", out)
		}
		if res.Reason == "internal fault" {
			t.Fatalf("a panic: %q", in)
		}
		if len(out) > 0 && res.Encoding != "utf-8" {
			t.Fatalf("Encoding %q", res.Encoding)
		}
	})
}
