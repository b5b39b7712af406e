package sanitize_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/sanitize"
)

var (
	// What may stand in front of a body: see the page about sanitizing.
	hijackPrefix = regexp.MustCompile(`^(\)\]\}(',?\n?)?|for ?\(;;\);|while ?\(1\);|\{\}&&)`)
	packetType   = regexp.MustCompile(`^[0-9]{1,4}([\[{])`)
	jsonpHead    = regexp.MustCompile(`^[ \t\n\r]*(/\*\*/)?([A-Za-z_$.][A-Za-z0-9_$.]{0,127}) *\([ \t\n\r]*`)
	placeholder  = regexp.MustCompile(`^(\[masked:(password|opaque)\]|\*{3,}|\[(REDACTED|redacted|Redacted|FILTERED|filtered|Filtered|MASKED|masked)\]|<redacted>|<REDACTED>)$`)
	jsonpTail    = regexp.MustCompile(`^[ \t\n\r]*\)[ \t\n\r]*;?[ \t\n\r]*$`)
)

const jsonSpace = " \t\n\r"

// framedJSON is the reference: whether b is JSON to encoding/json once the
// documented framing is taken off. Nothing at all is a sequence of no documents,
// and a marker alone is what is left of a body that was hidden.
func framedJSON(b []byte) bool {
	for bytes.HasPrefix(b, []byte("\ufeff")) {
		b = b[3:]
	}
	if placeholder.Match(bytes.TrimSpace(b)) {
		return true
	}
	if m := hijackPrefix.FindIndex(b); m != nil {
		b = b[m[1]:]
	} else if m := packetType.FindSubmatchIndex(b); m != nil {
		b = b[m[2]:]
	}
	if m := jsonpHead.FindIndex(b); len(m) > 1 && (m[1] == len(b) || strings.IndexByte(`{["`, b[m[1]]) >= 0) {
		rest, ok := oneJSON(b[m[1]:])
		return ok && jsonpTail.Match(rest)
	}
	for {
		b = bytes.TrimLeft(b, jsonSpace+"\x1e")
		if len(b) == 0 {
			return true
		}
		rest, ok := oneJSON(b)
		// Scalars in a row need something between them.
		if !ok || len(rest) > 0 && strings.IndexByte(jsonSpace+"\x1e{[", rest[0]) < 0 {
			return false
		}
		b = rest
	}
}

// oneJSON reads a value with encoding/json and returns what follows it.
func oneJSON(b []byte) (rest []byte, ok bool) {
	var v json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&v); err != nil {
		return nil, false
	}
	return b[dec.InputOffset():], utf8.Valid(v) && json.Valid(v)
}

// agree checks that the sanitizer takes in for JSON exactly when encoding/json does.
func agree(t *testing.T, p *sanitize.Policy, in []byte) {
	t.Helper()
	out, res := p.AppendBody(nil, in, sanitize.Input{Kind: sanitize.KindJSON}, nil)
	want := framedJSON(in)
	switch {
	case res.Reason == "too deep":
	case want && res.Reason != "":
		t.Fatalf("refused as %s: %q", res.Reason, in)
	case !want && res.Reason == "":
		t.Fatalf("accepted: %q -> %q", in, out)
	}
	if json.Valid(in) && utf8.Valid(in) && res.Reason == "" && !json.Valid(out) {
		t.Fatalf("valid JSON became invalid:\n%q\n%q", in, out)
	}
}

// The scanner is as strict as encoding/json, in both directions.
func TestJSONStrict(t *testing.T) {
	keys, err := sanitize.New(&sanitize.Options{KeysOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	values := []string{
		// Numbers.
		"0", "-0", "-0.0", "1", "10", "1.5", "1e5", "1E+5", "1e-5", "0.0e0", "123456789012345678901234567890", "1e400", "1.7976931348623157e309",
		"00", "01", "-01", "-", "+1", "1.", ".5", "-.5", "1.e1", "1e", "1e+", "1E-", "0x10", "1_000", "0b1", "1e1.5", "NaN", "Infinity", "-Infinity", "1..2", "--1", "1-", "1f",
		// Literals.
		"true", "false", "null", "True", "NULL", "tru", "truee", "nul", "undefined", "nulll", "falsenull",
		// Strings.
		`""`, `"a"`, `"\""`, `"\\"`, `"\/"`, `"\b\f\n\r\t"`, `"\u0000"`, `"\u00e9"`, `"\uD83D\uDE00"`, `"\ud800"`, `"\udc00\ud800"`, "\"\u007f\"", "\"\u2028\"", "\"\u00a0\"", `"안녕"`,
		`"`, `"a`, `"\"`, `"\a"`, `"\x41"`, `"\u"`, `"\u12"`, `"\u123g"`, `"\U00000041"`, `"\'"`, `'a'`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", "\"abcdefgh\x01\"", "\"1234567\r\"",
		// Arrays and objects.
		"[]", "[ ]", "[1]", "[1,2]", "[[]]", "[{}]", "[1,]", "[,1]", "[,]", "[1 2]", "[1", "[", "]", "[1]]", "[}", "[1:2]", "[1,\n2\t,\r3 ]", "[1,\v2]", "[1,\f2]", "[1,\u00a02]", "[\x00]", "[1]\x00",
		"{}", "{ }", `{"a":1}`, `{"a":1,"a":2}`, `{"":1}`, `{"a":{}}`, `{"a":[]}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{1:2}`, `{"a":1 "b":2}`, `{"a":1,,"b":2}`,
		`{"a":1`, `{"a":`, `{"a"`, `{"a`, `{`, `}`, `{"a":1}}`, `{]`, `{"a":1]`, `{null:1}`, `{"a":1;"b":2}`, `{"a"=1}`, `/*c*/{}`, `{}//c`, "# c\n{}", `[1,2,...]`,
		// Lists of numbers that may be the bytes of a text.
		"[104,117,110,116,101,114,50]", "[112,97,115,115,119,111,114,100,61,104,117,110,116,101,114,50]", "[112,097,115,115,119,111,114,100,61,104,117,110,116,101,114,50]",
		"[112,97,115,115,119,111,114,100,61,104,117,110,116,101,114,50,]", "[112,97,115,115,119,111,114,100,61,104,117,110,116,101,114,50", "[112 ,97, 115,115,119,111,114,100,61,104,117,110,116,101,114,50 ]", "[09,09,09,09,09,09]",
		// Markers and placeholders.
		"[masked:password]", `"[masked:password]"`, "***", "[REDACTED]", "<redacted>", "[masked:password]{}", "\u00a0***", `{"password":***}`, `{"password":[masked:password]}`, `{"a":[REDACTED]}`,
		// Several documents, and framing.
		"", " ", "\n", "1 2", "1\n2", `"a" "b"`, `"a""b"`, "1{}", "{}1", "{}{}", "{}[]", "[]{}\n", "true false", "truefalse", "1,2", "{},{}", "\x1e{}\n\x1e{}\n", "\ufeff{}", "{}\ufeff", " \ufeff{}",
		")]}'", ")]}'\n{}", ")]}',\n[1]", ")]}{}", ")]}'{", "for(;;);{}", "for (;;);[]", "while(1);{}", "while(2);{}", "{}&&{}", "{}&&", "{}&{}", `42["a",{}]`, `0{"sid":"x"}`, `12345["a"]`, "01[1]", "42", "042", `42"a"`,
		`cb({})`, `cb({});`, `cb([1]) ;` + "\n", `/**/cb({})`, `a.b.c({})`, `$j_1("x")`, `cb ({})`, `cb({}`, `cb(`, `cb()`, `cb(1)`, `cb({}))`, `cb({});x`, `cb({},{})`, `1b({})`, `cb({}{})`, `cb`, `({})`, `cb({},)`,
	}
	for _, v := range values {
		for _, in := range []string{v, " " + v, v + "\n", "[" + v + "]", `{"password":` + v + "}", `{"a":` + v + `,"b":[` + v + "]}", v + v, v + " " + v, strings.Repeat("[", 40) + v + strings.Repeat("]", 40)} {
			agree(t, nil, []byte(in))
			agree(t, keys, []byte(in))
		}
	}
	deep, err := sanitize.New(&sanitize.Options{MaxDepth: 10000})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 511, 512, 513, 9999, 10000, 10001} {
		in := []byte(strings.Repeat("[", n) + strings.Repeat("]", n))
		for _, p := range []*sanitize.Policy{nil, deep} {
			_, res := p.AppendBody(nil, in, sanitize.Input{Kind: sanitize.KindJSON}, nil)
			most := 512
			if p == deep {
				most = 10000
			}
			if got, want := res.Reason == "", n <= most; got != want {
				t.Errorf("depth %d of %d: %q", n, most, res.Reason)
			}
			if p == deep && (res.Reason == "") != json.Valid(in) {
				t.Errorf("depth %d: %q, encoding/json says %v", n, res.Reason, json.Valid(in))
			}
		}
	}
}

// Stricter than encoding/json on purpose: bytes that are not UTF-8 do not come
// out, here or anywhere.
func TestJSONInvalidUTF8(t *testing.T) {
	for _, in := range []string{"\"\xff\"", "\"a\xc0\xaf\"", "\"\xed\xa0\x80\"", "{\"\xff\":1}", "[\"\xe2\x82\"]"} {
		out, res := (*sanitize.Policy)(nil).AppendBody(nil, []byte(in), sanitize.Input{Kind: sanitize.KindJSON}, nil)
		if !json.Valid([]byte(in)) {
			t.Fatalf("%q: not the case meant", in)
		}
		if res.Reason != "malformed json" || !utf8.Valid(out) {
			t.Errorf("%q -> %q %+v", in, out, res)
		}
	}
}
