package redact_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/internal/redact"
	"github.com/txtrail/txtrail/sanitize"
)

const policyYAML = `# What our service hides besides.
disable: [phone]
actions:
  email: domain
  card: last4
rules:
  - name: member-no
    keys: [member no, "x_*_ref"]
    action: token
  - name: ticket
    pattern: 'TCK-\d{6}'
    anchor: TCK-
keep:
  - push token
routes:
  - pattern: POST /login
    drop_body: true
  - {pattern: GET /admin/*, mode: allow, allow: [id, status]}
max_depth: 0x40
token_key: MDEyMzQ1Njc4OWFiY2RlZg==
token_epoch: 2026-11-01
`

func TestPolicyYAML(t *testing.T) {
	want, err := sanitize.ParseOptions([]byte(`{
  "disable": ["phone"],
  "actions": {"email": "domain", "card": "last4"},
  "rules": [
    {"name": "member-no", "keys": ["member no", "x_*_ref"], "action": "token"},
    {"name": "ticket", "pattern": "TCK-\\d{6}", "anchor": "TCK-"}
  ],
  "keep": ["push token"],
  "routes": [
    {"pattern": "POST /login", "drop_body": true},
    {"pattern": "GET /admin/*", "mode": "allow", "allow": ["id", "status"]}
  ],
  "max_depth": 64,
  "token_key": "MDEyMzQ1Njc4OWFiY2RlZg==",
  "token_epoch": "2026-11-01"
}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"p.yaml", "dir.json/P.YML"} {
		got, err := redact.ParsePolicy(name, []byte(policyYAML))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if _, err := redact.ParsePolicy("p.json", []byte(policyYAML)); err == nil {
		t.Error("YAML under the name of JSON is read")
	}
	if _, err := redact.ParsePolicy("p.yaml", []byte("{\"mode\": \"shadow\"}\n")); err != nil {
		t.Errorf("JSON is YAML too: %v", err)
	}
}

// An alias stands for what it names.
func TestPolicyAlias(t *testing.T) {
	o, err := redact.ParsePolicy("p.yaml", []byte("allow: &ids [id, status]\nroutes:\n  - {pattern: /a, mode: allow, allow: *ids}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"id", "status"}, o.Routes[0].Allow); d != "" {
		t.Error(d)
	}
}

func TestBadPolicyYAML(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", "it is empty"},
		{"# nothing\n", "it is empty"},
		{"- a\n", "a policy is a mapping"},
		{"mode: deny\n---\nmode: allow\n", "a second document"},
		{"mode: [\n", "line "},
		{"mode: deny\nmode: allow\n", `line 2: "mode" again, after line 1`},
		{"\n\nmood: deny\n", `line 3: policy file: json: unknown field "mood"`},
		{"mode: deny\nmax_depth: deep\n", `line 2: field "max_depth" is a string, want a whole number`},
		{"max_depth: 1.5\n", `line 1: field "max_depth" is a number 1.5, want a whole number`},
		{"max_depth: .inf\n", "line 1: not a number"},
		{"max_depth: 99999999999999999999999\n", "line 1: "},
		{"keys_only: false\nmax_depth: -1\n", "line 2: MaxDepth is -1"},
		{"mode: maybe\n", `line 1: policy file: unknown mode "maybe"`},
		{"rules:\n  - name: memo\n    keys: [memo]\n  - name: bad one\n    keys: [x]\n", `line 4: rule "bad one": the name contains`},
		{"rules:\n  - name: memo\n    keys: [memo]\n    action: burn\n", `line 2: rule "memo": unknown action "burn"`},
		{"rules:\n  - name: memo\n    keys: memo\n", `line 3: field "rules.keys" is a string, want a list`},
		{"actions:\n  email: mask\n  nonsense: mask\n", `line 3: Actions: no default rule is named "nonsense"`},
		{"routes:\n  - pattern: /a\n    mode: mild\n", `line 2: policy file: route "/a": unknown mode "mild"`},
		{"token_key: c2hvcnQ=\nactions:\n  email: token\n", "line 3: Actions: rule"},
		{"? [a]\n: b\n", "line 1: a key that is not a plain word"},
		{"a: &a {mode: deny}\nb:\n  <<: *a\n", "line 3: merge keys"},
		{"mode: !custom x\n", `line 1: the tag "!custom"`},
		{"mode: !!binary eA==\n", `line 1: the tag "!!binary"`},
		{"keep: [" + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "]\n", "nested more than"},
		{"keep: &a [*a]\n", "line 1: "},
		{"keep: [\x00]\n", ""},
		{"keep: [\xff]\n", ""},
	} {
		o, err := redact.ParsePolicy("p.yaml", []byte(tc.in))
		if err == nil || o != nil {
			t.Errorf("%q: no error", tc.in)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), "redact: policy file: "); !strings.Contains(got, tc.want) || !strings.HasPrefix(err.Error(), "redact: ") {
			t.Errorf("%q: %q lacks %q", tc.in, err, tc.want)
		}
	}
}

// Aliases that name aliases end at the bound, not in memory or time.
func TestPolicyBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	long := "k: &k " + strings.Repeat("x", 500<<10) + "\nkeep: [" + strings.TrimSuffix(strings.Repeat("*k, ", 50_000), ", ") + "]\n"
	for name, in := range map[string]string{"many": b.String(), "long": long} {
		start := time.Now()
		_, err := redact.ParsePolicy("p.yaml", []byte(in))
		if err == nil || !strings.Contains(err.Error(), "too large for a policy") {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %v", name, time.Since(start))
	}
}

// The page about sanitizing shows a policy file that is one.
func TestDocsYAML(t *testing.T) {
	b, err := os.ReadFile("../../docs/sanitize.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	policy, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no policy file in YAML in the page")
	}
	if _, err := redact.ParsePolicy("p.yaml", []byte(policy)); err != nil {
		t.Error(err)
	}
}

func FuzzPolicyYAML(f *testing.F) {
	f.Add([]byte(policyYAML))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("a: &a {b: 1}\nc: {<<: *a}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4<<10 {
			return
		}
		o, err := redact.ParsePolicy("p.yaml", in)
		if (o == nil) != (err != nil) {
			t.Fatalf("%q: %v, %v", in, o, err)
		}
		if err == nil {
			if _, err := sanitize.New(o); err != nil {
				t.Fatalf("%q is read, and then refused: %v", in, err)
			}
		}
	})
}
