package sanitize_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/sanitize"
)

var glanceRounds = flag.Int("glance-rounds", 10_000, "random values that are read with and without a glance")

// pairOf is a policy and the same one that inspects everything.
type pairOf struct{ quick, thorough *sanitize.Policy }

func newPair(t testing.TB, o *sanitize.Options) pairOf {
	quick, err := sanitize.New(o)
	if err != nil {
		t.Fatal(err)
	}
	thorough, err := sanitize.NewThorough(o)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf{quick, thorough}
}

func counts(r *sanitize.Report) string {
	var b strings.Builder
	for rule, n := range r.All() {
		fmt.Fprintf(&b, "%s %d,", rule, n)
	}
	return b.String()
}

// body wants the same from both of them.
func (p pairOf) body(t testing.TB, in []byte, opt sanitize.Input) {
	var a, b sanitize.Report
	got, gotRes := p.quick.AppendBody(nil, in, opt, &a)
	want, wantRes := p.thorough.AppendBody(nil, in, opt, &b)
	if !bytes.Equal(got, want) || gotRes != wantRes || counts(&a) != counts(&b) {
		t.Fatalf("%q (%+v):\nat a glance %q %+v %s\ninspected   %q %+v %s", in, opt, got, gotRes, counts(&a), want, wantRes, counts(&b))
	}
}

// value reads v in all the ways in which a value is met.
func (p pairOf) value(t testing.TB, v string) {
	quoted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	p.body(t, slices.Concat([]byte(`{"note":`), quoted, []byte(`,"list":[1,`), quoted, []byte(`]}`)), sanitize.Input{Kind: sanitize.KindJSON})
	var plain bytes.Buffer // without \u003c and the like
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]string{"x": v}); err != nil {
		t.Fatal(err)
	}
	p.body(t, plain.Bytes(), sanitize.Input{Kind: sanitize.KindJSON})
	p.body(t, []byte(v), sanitize.Input{Kind: sanitize.KindText})
	p.body(t, []byte(v), sanitize.Input{Kind: sanitize.KindText, Truncated: true})
	p.body(t, []byte("x="+v+"&y=2"), sanitize.Input{Kind: sanitize.KindForm})
	for name, f := range map[string]func(p *sanitize.Policy) string{
		"header": func(p *sanitize.Policy) string { return p.Header("X-Note", v, nil) },
		"cookie": func(p *sanitize.Policy) string { return p.Header("Cookie", "theme="+v, nil) },
		"text":   func(p *sanitize.Policy) string { return p.Text(v, nil) },
		"url":    func(p *sanitize.Policy) string { return p.URL(v, nil) },
	} {
		if got, want := f(p.quick), f(p.thorough); got != want {
			t.Fatalf("%s %q:\nat a glance %q\ninspected   %q", name, v, got, want)
		}
	}
}

// Everything that is kept as a sample comes out the same whether values are
// glanced at or not, whole and cut.
func TestGlanceSamples(t *testing.T) {
	p := newPair(t, nil)
	for _, file := range []string{"cases", "attacks", "neighbours"} {
		for _, s := range samples(t, "testdata/"+file+".jsonl") {
			in := s.bytes(t)
			p.body(t, in, s.input(t, s.Truncated))
			if len(in) > 4096 && !*everyCut {
				continue
			}
			for cut := 0; cut < len(in); cut += 7 {
				p.body(t, in[:cut], s.input(t, true))
			}
			for _, secret := range s.Secret {
				p.value(t, secret)
			}
			if s.InputB64 == "" && len(in) < 512 {
				p.value(t, string(in))
			}
		}
	}
}

// pieces are what the detectors look for, whole and in parts, and what only looks
// like it.
var pieces = []string{
	"a", "b", "be", "bea", "bearer", "Bearer ", "bearer%20", "BASIC ", "basic ", "YTpi", "YTpiYzpk", "public ", "Abcdef", "number ", "c ", "r ",
	"eyJ", "eyJhbGciOiJIUzI1NiJ9", "eyJ1Ijp7InBpbiI6IjEifX0", ".", "..", "y", "J", "eyJ.a", "J.", "ye", "yJ",
	"AKIA", "AKIAIOSFODNN7EXAMPLE", "LTAI", "LTAI4Fabcdefghij", "AIza", "EAAG", "ASIA", "A", "L", "E", "ghp_", "xoxb-", "sk-", "SG.", "ya29.", "npm_", "glpat-", "0123456789abcdef", "abcdefghij", "ABCDEFGHIJ",
	"0123456789ab", "whsec_", "dapi", "hvs.", "_", "-", "--", "-u ", "--password ", "--pin 1", " -u a:b", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "----",
	"1", "12", "482", "4829", "482913", "12345678", "123456789", "0", "02", "02-123-4567", "010", "010-1234-5678", "01012345678", "+82 10 1234 5678", "+8210", "821012345678",
	"82-10-1234-5678", "(02) 123", "555-0100", "212-555-0100", "078-05-1120", "900101-1234568", "9001011234568", "4111111111111111", "4111 1111 1111 1111", "4111-1111", "4 1 1 1",
	"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "DE", "GB82", "GB82 WEST 1234 5698 7654 32", "NO9386011117947", "no93 8601 1117 947", "ab12", "AB12cd", "a1b2c3d4",
	"otp ", "OTP: ", "pin ", "PIN#", "login code ", "verification code is ", "passcode(", "인증번호", "인증번호는 [", "비밀번호 ", "코드", "주민", "ssn ", "is ", "id", "de", "tp",
	"2026-11-20T01:02:03Z", "2026-11-20 01:02:03", "2026-11-20T01:02:03.123456789+09:00", "2026-02-02 02:02:02.020-02:00", "2026-11-20", "20:10", "0500-11-20T00:00:00", "10:20:30",
	"0192f3c4-7b1a-7c3d-9e5f-0123456789ab", "abcdefab-cdef-abcd-efab-cdefabcdefab", "a1b2c3d4-41111111-11111111", "507f1f77bcf86cd799439011", "5f2c1c1e",
	"password", "password=", "password: ", "pin=1", "a=b", "token", "?token=x", "?a", "/password/hunter2", "/", "/reset/0123456789abcdef0", "https://", "https://kim:pw@h.example/", "h.example", "://",
	"kim@example.kr", "@", "@h", "app:pw@tcp(db)", "<", "<a", "<pin>1</pin>", "<b>x</b>", ">", "[", "[1", "[123 34 112 97 115 115]", "[masked:email]", "[masked", "[REDACTED]", "[m", "]",
	"%", "%20", "%70assword%3Dx", "100%", "+", "=", "=?utf-8?B?cGFzc3dvcmQ9aHVudGVyMg==?=", "cGFzc3dvcmQ9aHVudGVyMg==", "cGFzc3dvcmQ9aHVudGVyMg", "aHVudGVyMg", "dGhlIGJveA==",
	"Duplicate entry 'x' for key 'password'", "Duplicate entry ", "D", "Du", "'x' for key 'password'", "(password) ", "(password)", "VALUES (", "values(", "'x')", "v", "va", "val", "lu", ") v", "Key (password)=(x)",
	"\x1b[31m", "\\", `\u0070`, `\u0070assword=x`, "\u200b", "\u00ad", "\u034f", "ｐａｓｓｗｏｒｄ＝x", "“", "…", "·", "é", "가", "아이템 of the shop", "겨울 한정 상자", "\n", "\r\n", "\t", " ", "  ", ",", "'", `"`, "(", ")", "#", ":", ";", "!", "&", "|",
	"{", "}", `{"password":"x"}`, "data:text/plain;base64,cGFzc3dvcmQ9eA==", "the box", "Shop 12", "ORD-2026-000123", "snake_case_of_many_words", "Camel", "KRW",
}

func TestGlanceRandom(t *testing.T) {
	full := newPair(t, nil)
	hour := newPair(t, &sanitize.Options{Rules: []sanitize.Rule{{Name: "hour", Keys: []string{"t01"}}}, Disable: []string{"card", "opaque"}})
	ticket := newPair(t, &sanitize.Options{Rules: []sanitize.Rule{{Name: "ticket", Pattern: `ab\w`, Anchor: "ab"}}})
	allow := newPair(t, &sanitize.Options{Mode: sanitize.ModeAllow, Allow: []string{"x", "note", "X-Note"}})
	rng := rand.New(rand.NewPCG(3, 5))
	for i := range *glanceRounds {
		var b strings.Builder
		for range 1 + rng.IntN(5) {
			s := pieces[rng.IntN(len(pieces))]
			switch rng.IntN(12) {
			case 0: // a part of it
				s = s[rng.IntN(len(s)):]
			case 1:
				s = s[:1+rng.IntN(len(s))]
			case 2:
				s = strings.ToUpper(s)
			case 3: // the other case, or another character beside it
				at := rng.IntN(len(s))
				s = s[:at] + string(s[at]^0x20) + s[at+1:]
			}
			b.WriteString(s)
			if rng.IntN(3) == 0 {
				b.WriteByte(" -._,/x1"[rng.IntN(8)])
			}
		}
		v := strings.ToValidUTF8(b.String(), "?")
		full.value(t, v)
		if i%8 == 0 {
			hour.value(t, v)
			ticket.value(t, v)
			allow.value(t, v)
		}
	}
}

// edges are values at the least length, or with the fewest digits, of what a
// detector takes, and beside them.
var edges = []string{
	"pin 4829", "otp 4829", "pin 482", "opin 4829", "login code 4829", "code  482913", "tel 02-123-4567.", "no. 02-123-4567 ", "tel 078-05-1120.", "tel 02)123 4567!",
	"xoxb-0123456789", "xoxb-abcdefghij", "xoxb-abcdefghiJ", "xoxb-012345678", "rk_live_abcdefgh12", "LTAIabcdefghijkl", "LTAIabcdefghijkL", "say LTAIabcdefghijk1",
	"basic YTpiYz", "basic YTpiYzpk", "abasic YTpiYz", "Bearer Abcdef", "bearer abcde1", "bearer abcdef",
	"eyJ.a", "eyJ.", "xeyJ.a", "eyJwaW4iOjF9", "cGFzc3dvcmQ9aHVudGVyMg ", " cGFzc3dvcmQ9aHVudGVyMg", "cGFzc3dvcmQ9aHVudGVyMg", "67mE67CA67KI7Zi4PWh1bnRlcjI=", "cGluPWJiYlBJYXlSbkJV", "cGluPWJiYlBJYXlSbkJV ",
	"{{NO}}", "{{NO}}.", "to {{NO}}", "NO{{..}}ABC DEFG HIJK", "no{{..}} abcd efgh ijk",
	"(pin)values(1)", "(pin) VALUES ('1')", "(pin)\tvalues\t(x)", "INSERT INTO u(pin) VALUES (x)", "(pin) value (x)", "Duplicate entry 'x' for key 'pin'",
	"2026-11-20T01:02:03.821012345678", "2026-11-20T01:02:03.9001011234568", "2026-11-20T01:02:03.123456789Z", "2026-11-20 02:02:02-05:00", "0502-02-02 02:02:02.02", "2026-11-20T01:02:03,5Z",
	"8210-82-10 10:20:30", "4111-11-11 11:11:11", "2026-11-20T01:02:03.010-00:00", "2026-11-20T01:02:0x", "2026-11-20t01:02:03Z", "2026/11/20T01:02:03Z",
	"01234567-89ab-cdef-0123-456789abcdef", "abcdefab-0502-1234-5678-abcdefabcdef", "abcdefab-0102-0304-9001-011234568abc", "01234567-89AB-CDEF-0123-456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdeg",
	"ab12cd34ef56ab12", "1b2c3d4e5f", "ab1234567", "41111111111111111", "4111111111111111", "4111_1111_1111_1111",
	"\x80\x80", "a?b", "who?pin=1", "?pin", "/pin/1234", "<pin>1", "-u a", "--pin 1", "+8210123", "+821012345678",
}

func TestGlanceEdges(t *testing.T) {
	p := newPair(t, nil)
	for _, v := range edges {
		v = strings.NewReplacer("{{NO}}", "NO09ABCDEFGHIJK", "{{..}}", "09").Replace(v)
		v = strings.ToValidUTF8(v, "?")
		p.value(t, v)
		for i := range v { // and what is one character shorter, or has one more
			p.value(t, v[i:])
			p.value(t, v[:i])
			p.value(t, v[:i]+" "+v[i:])
		}
	}
	// The deeper, the less is looked into: what is not, is hidden.
	doc := `{"x":"words and nothing else","y":"pin 4829"}`
	for range 9 {
		quoted, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		doc = `{"tag":"winter","x":` + string(quoted) + `}`
		p.body(t, []byte(doc), sanitize.Input{Kind: sanitize.KindJSON})
	}
}

// Base64 of whatever text is taken for that.
func TestBase64OfText(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 9))
	for range 20_000 {
		var text []byte
		for len(text) < 12 {
			text = utf8.AppendRune(text, [...]rune{' ', '\n', '\t', '~', 'a', '\u0080', '\u00bf', '\u00c2', '\u07ff', '\u0800', '비', '\uffee', '\U00010000', '\U0010ffff'}[rng.IntN(14)])
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			if v := enc.EncodeToString(text); !sanitize.Base64Like([]byte(v)) {
				t.Fatalf("%q of %q", v, text)
			}
		}
	}
	for _, v := range []string{"checkout_session_started", "0192f3c4-7b1a-7c3d-9e5f-0123456789ab", "dGhlIGJveA==", "dGhl IGJveCBvZiB0aGluZ3M"} {
		if sanitize.Base64Like([]byte(v)) {
			t.Errorf("%q", v)
		}
	}
}

// Documents of every grammar come out the same, too.
func TestGlanceDocuments(t *testing.T) {
	p := newPair(t, nil)
	for seed := range uint64(3000) {
		g := &gardener{Rand: rand.New(rand.NewPCG(seed, 11))}
		g.secret = g.letters(10 + g.IntN(20))
		doc, in := g.document()
		p.body(t, doc, in)
		in.Truncated = true
		p.body(t, doc[:g.IntN(len(doc)+1)], in)
	}
	for _, dense := range []bool{false, true} {
		p.body(t, page(16<<10, dense), sanitize.Input{Kind: sanitize.KindJSON})
	}
}

// A value is passed at a glance only if nothing is found in it by looking closely.
func FuzzGlance(f *testing.F) {
	for _, s := range pieces {
		f.Add(s, " ", s)
	}
	p := newPair(f, nil)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 2000 {
			return
		}
		p.value(t, a+b+c)
	})
}
