package sanitize_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/sanitize"
)

// planted holds for each default rule an input that only this rule hides, and
// the secret in it.
var planted = map[string]struct {
	in     string
	kind   sanitize.Kind
	secret string
}{
	"password":       {`{"password":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"token":          {`{"token":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"secret":         {`{"secret":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"api-key":        {`{"apiKey":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"private-key":    {`{"privateKey":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"credential":     {`{"credentials":{"p":"hunter2"}}`, sanitize.KindJSON, "hunter2"},
	"authorization":  {"Authorization: Bearer hunter2-xyz", sanitize.KindHeader, "hunter2"},
	"cookie":         {"Cookie: a=hunter2", sanitize.KindCookie, "hunter2"},
	"session":        {`{"session_id":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"csrf":           {`{"csrf":"hunter2"}`, sanitize.KindJSON, "hunter2"},
	"otp":            {`{"otp":948271}`, sanitize.KindJSON, "948271"},
	"pin":            {`{"pin":4821}`, sanitize.KindJSON, "4821"},
	"cvv":            {`{"cvv":821}`, sanitize.KindJSON, "821"},
	"rrn":            {"주민등록번호 900101-1234568 확인", sanitize.KindText, "1234568"},
	"card":           {"paid with 4111 1111 1111 1111 ok", sanitize.KindText, "4111 1111"},
	"account":        {`{"account_number":"110-123-456789"}`, sanitize.KindJSON, "456789"},
	"passport":       {`{"passport":"M12345678"}`, sanitize.KindJSON, "M12345678"},
	"phone":          {"연락처 010-1234-5678 입니다", sanitize.KindText, "1234-5678"},
	"email":          {"write to kim@example.kr please", sanitize.KindText, "kim@example.kr"},
	"saml":           {"SAMLResponse=PHNhbWw%2BPC9zYW1sPg", sanitize.KindForm, "PHNhbWw"},
	"oauth":          {"https://a.example/cb?code=hunter2", sanitize.KindURL, "hunter2"},
	"signature":      {"https://b.example/k?X-Amz-Signature=hunter2", sanitize.KindURL, "hunter2"},
	"positional":     {`{"method":"login","params":["kim","hunter2"]}`, sanitize.KindJSON, "hunter2"},
	"jwt":            {"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl back", sanitize.KindText, "c2lnbmF0dXJl"},
	"pem":            {"-----BEGIN PRIVATE KEY-----\nMIIEabcd\n-----END PRIVATE KEY-----", sanitize.KindText, "MIIEabcd"},
	"provider-token": {"failed with AKIAIOSFODNN7EXAMPLE", sanitize.KindText, "AKIAIOSFODNN7EXAMPLE"},
	"userinfo":       {"postgres://app:hunter2@db.internal/core", sanitize.KindText, "hunter2"},
	"path-secret":    {"/password/reset/3f9c1d7be2a84c6f9d0e5b7a1c2d3e4f", sanitize.KindURL, "3f9c1d7be2a84c6f"},
	"iban":           {"IBAN DE89370400440532013000 ok", sanitize.KindText, "DE89370400440532013000"},
	"doctype":        {`<!DOCTYPE r [<!ENTITY p "hunter2">]><r>&p;</r>`, sanitize.KindXML, "hunter2"},
	"opaque":         {"data:application/json;base64,eyJwYXNzd29yZCI6Imh1bnRlcjIifQ==", sanitize.KindText, "eyJwYXNzd29yZCI6"},
}

// Each default rule is needed: without it its secret comes out.
func TestEachRuleIsNecessary(t *testing.T) {
	for _, info := range sanitize.DefaultRules() {
		t.Run(info.Name, func(t *testing.T) {
			pl, ok := planted[info.Name]
			if !ok {
				t.Fatal("no planted secret for this rule")
			}
			var with *sanitize.Policy
			var rep sanitize.Report
			out, _ := with.AppendBody(nil, []byte(pl.in), sanitize.Input{Kind: pl.kind}, &rep)
			if bytes.Contains(out, []byte(pl.secret)) {
				t.Errorf("not hidden: %s", out)
			}
			if rep.Len() != 1 {
				t.Errorf("%d rules counted for %s", rep.Len(), out)
			}
			for name := range rep.All() {
				if name != info.Name {
					t.Errorf("hidden by %s", name)
				}
			}
			without, err := sanitize.New(&sanitize.Options{Disable: []string{info.Name}})
			if err != nil {
				t.Fatal(err)
			}
			out, _ = without.AppendBody(nil, []byte(pl.in), sanitize.Input{Kind: pl.kind}, nil)
			if !bytes.Contains(out, []byte(pl.secret)) {
				t.Errorf("still hidden without the rule: %s", out)
			}
		})
	}
}

// The examples that DefaultRules gives are true.
func TestRuleExamples(t *testing.T) {
	var p *sanitize.Policy
	for _, info := range sanitize.DefaultRules() {
		if info.Hides == "" || len(info.Examples) == 0 {
			t.Errorf("%s: no description", info.Name)
		}
		for _, ex := range info.Examples {
			var rep sanitize.Report
			kind := sanitize.KindText
			if strings.HasPrefix(ex, "X-") || strings.HasPrefix(ex, "Cookie") || strings.HasPrefix(ex, "Set-Cookie") {
				kind = sanitize.KindHeader
			} else if info.Name == "saml" || info.Name == "account" || info.Name == "passport" || strings.HasPrefix(ex, "AWS") {
				kind = sanitize.KindYAML
			}
			out, _ := p.AppendBody(nil, []byte(ex), sanitize.Input{Kind: kind}, &rep)
			found := false
			for name := range rep.All() {
				found = found || name == info.Name
			}
			if !found {
				t.Errorf("%s: example %q gives %q", info.Name, ex, out)
			}
		}
	}
}

func TestActions(t *testing.T) {
	opts := func(a sanitize.Action) *sanitize.Options {
		return &sanitize.Options{
			Actions:  map[string]sanitize.Action{"email": a, "card": a},
			TokenKey: []byte("0123456789abcdef"),
		}
	}
	for _, tc := range []struct {
		action   sanitize.Action
		in, want string
	}{
		{sanitize.ActionMask, `{"email":"kim@example.kr"}`, `{"email":"[masked:email]"}`},
		{sanitize.ActionDrop, `{"email":"kim@example.kr"}`, `{"email":null}`},
		{sanitize.ActionDomain, `{"email":"kim@example.kr"}`, `{"email":"[masked:email:example.kr]"}`},
		{sanitize.ActionDomain, `{"email":"not an address"}`, `{"email":"[masked:email]"}`},
		{sanitize.ActionLast4, `{"memo":"4111 1111 1111 1111"}`, `{"memo":"[masked:card:1111]"}`},
		{sanitize.ActionLast4, `{"card_number":"12345678901"}`, `{"card_number":"[masked:card]"}`},
		{sanitize.ActionLength, `{"email":"kim@example.kr"}`, `{"email":"[masked:email:9-16]"}`},
	} {
		p, err := sanitize.New(opts(tc.action))
		if err != nil {
			t.Fatal(err)
		}
		out, _ := p.AppendBody(nil, []byte(tc.in), sanitize.Input{Kind: sanitize.KindJSON}, nil)
		if string(out) != tc.want {
			t.Errorf("action %d: %s gives %s, want %s", tc.action, tc.in, out, tc.want)
		}
		if twice, _ := p.AppendBody(nil, out, sanitize.Input{Kind: sanitize.KindJSON}, nil); !bytes.Equal(twice, out) {
			t.Errorf("action %d twice: %s", tc.action, twice)
		}
	}
}

func TestToken(t *testing.T) {
	token := func(epoch, email string) string {
		p, err := sanitize.New(&sanitize.Options{
			Actions: map[string]sanitize.Action{"email": sanitize.ActionToken}, TokenKey: []byte("0123456789abcdef"), TokenEpoch: epoch,
		})
		if err != nil {
			t.Fatal(err)
		}
		return p.Value("email", email, nil)
	}
	a, b, c, d := token("1", "kim@example.kr"), token("1", "kim@example.kr"), token("2", "kim@example.kr"), token("1", "lee@example.kr")
	if a != b || a == c || a == d || !strings.HasPrefix(a, "[masked:email:t") {
		t.Errorf("%s %s %s %s", a, b, c, d)
	}
	for _, rule := range []string{"password", "otp", "pin", "cvv"} {
		_, err := sanitize.New(&sanitize.Options{Actions: map[string]sanitize.Action{rule: sanitize.ActionToken}, TokenKey: []byte("0123456789abcdef")})
		if err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("token for %s: %v", rule, err)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    sanitize.Options
		want string
	}{
		{"disable", sanitize.Options{Disable: []string{"nope"}}, `"nope"`},
		{"disable fixed", sanitize.Options{Disable: []string{"malformed"}}, `"malformed"`},
		{"mode", sanitize.Options{Mode: 9}, "mode 9"},
		{"depth", sanitize.Options{MaxDepth: -1}, "MaxDepth"},
		{"rule name", sanitize.Options{Rules: []sanitize.Rule{{Name: "A b", Keys: []string{"x"}}}}, `rule "A b"`},
		{"rule taken", sanitize.Options{Rules: []sanitize.Rule{{Name: "password", Keys: []string{"x"}}}}, "taken"},
		{"rule empty", sanitize.Options{Rules: []sanitize.Rule{{Name: "x"}}}, `rule "x": it matches nothing`},
		{"rule key", sanitize.Options{Rules: []sanitize.Rule{{Name: "x", Keys: []string{"--"}}}}, `rule "x": key "--"`},
		{"rule pattern", sanitize.Options{Rules: []sanitize.Rule{{Name: "x", Pattern: "(", Anchor: "ab"}}}, `rule "x": pattern`},
		{"rule anchor", sanitize.Options{Rules: []sanitize.Rule{{Name: "x", Pattern: "a+"}}}, `rule "x": anchor`},
		{"rule path", sanitize.Options{Rules: []sanitize.Rule{{Name: "x", Paths: []string{"a.b"}}}}, `rule "x": path`},
		{"rule scope", sanitize.Options{Rules: []sanitize.Rule{{Name: "x", Keys: []string{"k"}, Scopes: []string{"here"}}}}, `"here"`},
		{"token key", sanitize.Options{Actions: map[string]sanitize.Action{"email": sanitize.ActionToken}}, "TokenKey"},
		{"route", sanitize.Options{Routes: []sanitize.Route{{}}}, "route 0"},
		{"cookie", sanitize.Options{AllowCookies: []string{""}}, "AllowCookies"},
	} {
		_, err := sanitize.New(&tc.o)
		if err == nil || !strings.HasPrefix(err.Error(), "sanitize: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestUserRules(t *testing.T) {
	p, err := sanitize.New(&sanitize.Options{
		Rules: []sanitize.Rule{
			{Name: "member-no", Keys: []string{"member no", "x_*_ref"}},
			{Name: "memo", Paths: []string{"$.user.memo", "$.items[*].note"}},
			{Name: "ticket", Pattern: `TCK-\d{6}`, Anchor: "TCK-"},
		},
		Keep:   []string{"push token"},
		Routes: []sanitize.Route{{Pattern: "POST /login", DropBody: true}, {Pattern: "GET /flags*", Mode: sanitize.ModeAllow, Allow: []string{"flag"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ route, in, want string }{
		{"", `{"memberNo":"a-1","x_order_ref":"b-2","member":"c"}`, `{"memberNo":"[masked:member-no]","x_order_ref":"[masked:member-no]","member":"c"}`},
		{"", `{"user":{"memo":"a","m":{"memo":"b"}},"items":[{"note":"c"},{"note":"d","x":1}]}`, `{"user":{"memo":"[masked:memo]","m":{"memo":"b"}},"items":[{"note":"[masked:memo]"},{"note":"[masked:memo]","x":1}]}`},
		{"", `{"t":"see TCK-123456 and TCK-654321, kim@example.kr"}`, `{"t":"see [masked:ticket] and [masked:ticket], [masked:email]"}`},
		{"", `{"pushToken":"abc","token":"abc"}`, `{"pushToken":"abc","token":"[masked:token]"}`},
		{"POST /login", `{"a":1}`, ``},
		{"GET /flags/1", `{"flag":"on","other":"value","n":[1,{"flag":true}],"s":{"password":"x"}}`, `{"flag":"on","other":"[masked:unlisted:1-8]","n":["[masked:unlisted:1-8]",{"flag":true}],"s":{"password":"[masked:password]"}}`},
	} {
		out, _ := p.AppendBody(nil, []byte(tc.in), sanitize.Input{Kind: sanitize.KindJSON, Route: tc.route}, nil)
		if string(out) != tc.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", tc.route, tc.in, out, tc.want)
		}
		if tc.want == "" {
			continue
		}
		if twice, _ := p.AppendBody(nil, out, sanitize.Input{Kind: sanitize.KindJSON, Route: tc.route}, nil); !bytes.Equal(twice, out) {
			t.Errorf("twice: %s", twice)
		}
	}
}

func TestShadow(t *testing.T) {
	p, err := sanitize.New(&sanitize.Options{Mode: sanitize.ModeShadow})
	if err != nil {
		t.Fatal(err)
	}
	var rep sanitize.Report
	in := `{"password":"hunter2","to":"kim@example.kr"}`
	out, _ := p.AppendBody(nil, []byte(in), sanitize.Input{Kind: sanitize.KindJSON}, &rep)
	got := map[string]int{}
	for name, n := range rep.All() {
		got[name] = n
	}
	if string(out) != in || !cmp.Equal(got, map[string]int{"password": 1, "email": 1}) {
		t.Errorf("%s %v", out, got)
	}
}

func TestParseOptions(t *testing.T) {
	o, err := sanitize.ParseOptions([]byte(`{"mode":"deny","disable":["phone"],"actions":{"email":"domain"},"rules":[{"name":"m","keys":["member no"],"action":"length"}],"max_depth":64}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &sanitize.Options{
		Disable: []string{"phone"}, Actions: map[string]sanitize.Action{"email": sanitize.ActionDomain},
		Rules: []sanitize.Rule{{Name: "m", Keys: []string{"member no"}, Action: sanitize.ActionLength}}, MaxDepth: 64,
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]string{
		``:                  "EOF",
		"{\n\"mode\":\n}":   "line 3",
		`{"modes":"deny"}`:  `"modes"`,
		`{"mode":"denied"}`: `"denied"`,
		`{"rules":[{"name":"x","keys":["k"],"action":"hide"}]}`: `rule "x": unknown action "hide"`,
		`{"rules":[{"name":"x"}]}`:                              `rule "x"`,
		`{"token_key":"%"}`:                                     "token_key",
		`{} {}`:                                                 "follows",
		`{"actions":{"email":"eat"}}`:                           `"email"`,
	} {
		if _, err := sanitize.ParseOptions([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	var p *sanitize.Policy
	for _, tc := range []struct {
		key, norm, rule string
		masked          bool
	}{
		{"userPassword1", "user password1", "password", true},
		{"max_tokens", "max tokens", "token", true},
		{"password_policy_id", "password policy id", "", false},
		{"ｐａｓｓｗｏｒｄ", "password", "password", true},
		{"code", "code", "oauth", false},
		{"author", "author", "", false},
	} {
		ex := p.Explain(tc.key)
		if ex.Normalized != tc.norm || ex.Rule != tc.rule || ex.Masked != tc.masked || ex.Reason == "" {
			t.Errorf("%q: %+v", tc.key, ex)
		}
	}
}

func TestSmallOnes(t *testing.T) {
	var p *sanitize.Policy
	for _, tc := range []struct{ got, want string }{
		{p.Header("Authorization", "Bearer abc", nil), "Bearer [masked:authorization]"},
		{p.Header("User-Agent", "curl/8.0", nil), "curl/8.0"},
		{p.Header("X-Note", "hello\r\nAuthorization: Bearer hunter2-xyz", nil), `hello\r\nAuthorization: Bearer [masked:authorization]`},
		{p.URL("https://kim:pw@h.example/p?token=abc&x=1", nil), "https://[masked:userinfo]@h.example/p?token=[masked:token]&x=1"},
		{p.Query("token=abc&x=1", nil), "token=[masked:token]&x=1"},
		{p.Text("password=abc", nil), "password=[masked:password]"},
		{p.Value("X-Client-User", "kim", nil), "kim"},
		{p.Value("session_id", "abc", nil), "[masked:session]"},
		{p.Value("note", "call 010-1234-5678", nil), "call [masked:phone]"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %s, want %s", tc.got, tc.want)
		}
	}
}

func TestReport(t *testing.T) {
	var rep sanitize.Report
	rep.Add("b", 1)
	rep.Add("a", 2)
	rep.Add("b", 3)
	rep.Add("c", 0)
	var got []string
	for name, n := range rep.All() {
		got = append(got, name, string(rune('0'+n)))
	}
	if !cmp.Equal(got, []string{"a", "2", "b", "4"}) || rep.Len() != 2 {
		t.Error(got)
	}
	if n := testing.AllocsPerRun(100, func() {
		rep.Reset()
		rep.Add("a", 1)
		rep.Add("b", 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	var none *sanitize.Report
	none.Add("a", 1)
	none.Reset()
	if none.Len() != 0 {
		t.Error("nil report")
	}
}

func TestConcurrentUse(t *testing.T) {
	var p *sanitize.Policy
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				out, _ := p.AppendBody(nil, []byte(`{"password":"hunter2","to":"kim@example.kr"}`), sanitize.Input{}, nil)
				if string(out) != `{"password":"[masked:password]","to":"[masked:email]"}` {
					t.Errorf("%s", out)
				}
			}
		})
	}
	wg.Wait()
}

func TestBounds(t *testing.T) {
	p, err := sanitize.New(&sanitize.Options{MaxDepth: 8})
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat(`{"a":`, 9) + `"x"` + strings.Repeat("}", 9)
	if out, res := p.AppendBody(nil, []byte(deep), sanitize.Input{Kind: sanitize.KindJSON}, nil); res.Reason != "too deep" || !res.Truncated || bytes.Contains(out, []byte("x")) {
		t.Errorf("%s %+v", out, res)
	}
}
