package sanitize_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// What is remembered about a value is about that value only: not under another
// name, not as another grammar, not for another of the same length.
func TestMemo(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var rep sanitize.Report
	for range 3 {
		for _, tc := range []struct{ got, want string }{
			{p.Header("X-Note", "abc123def", &rep), "abc123def"},
			{p.Header("X-Api-Key", "abc123def", &rep), "[masked:api-key]"},
			{p.Value("note", "abc123def", &rep), "abc123def"},
			{p.Value("password", "abc123def", &rep), "[masked:password]"},
			{p.Text("code=abc123def", &rep), "code=abc123def"},
			{p.Query("code=abc123def", &rep), "code=[masked:oauth]"},
			{p.URL("/cb?code=abc123def", &rep), "/cb?code=[masked:oauth]"},
			{p.Header("ab", "cdef", &rep), "cdef"},
			{p.Header("a", "bcdef", &rep), "bcdef"},
			{p.Header("pin", "4821", &rep), "[masked:pin]"},
			{p.Header("p", "in4821", &rep), "in4821"},
		} {
			if tc.got != tc.want {
				t.Errorf("got %q, want %q", tc.got, tc.want)
			}
		}
	}
	// More values than there is room for, of every length around the bound.
	for n := range 300 {
		for i := range 3 {
			v := fmt.Sprint(i) + strings.Repeat("x", n)
			for range 2 {
				if got := p.Header("X-Note", v, &rep); got != v {
					t.Fatalf("%q became %q", v, got)
				}
			}
		}
	}
}

// What a value became is remembered as exactly as what passed: the same text under
// another name or in another grammar is another value, and what was hidden is counted
// each time.
func TestMemoOfChanged(t *testing.T) {
	type question struct {
		how         byte
		name, value string
	}
	ask := func(p interface {
		Header(name, value string, rep *sanitize.Report) string
		Value(key, value string, rep *sanitize.Report) string
		URL(u string, rep *sanitize.Report) string
		Text(s string, rep *sanitize.Report) string
	}, q question,
	) (answer string) {
		var rep sanitize.Report
		switch q.how {
		case 'h':
			answer = p.Header(q.name, q.value, &rep)
		case 'v':
			answer = p.Value(q.name, q.value, &rep)
		case 'u':
			answer = p.URL(q.value, &rep)
		case 't':
			answer = p.Text(q.value, &rep)
		}
		return answer + " " + counts(&rep)
	}
	var questions []question
	for i := range 12 {
		for _, v := range []string{
			"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI%02d.c2lnbmF0dXJl", "sid=0f1e2d3c%02d; theme=dark", "/v1/items?page=2&token=abcdef%02d", "https://kim:pw%02d@h.example/password/hunter2%02[1]d?code=x&email=kim@example.kr&pin=1",
			"pin 48%02d", "kim%02d@example.kr", "a line\nkim%02d@example.kr", "k%02d", "no secret %02d", "kim%02d@example.kr" + strings.Repeat(" and kim@example.kr", 40),
		} {
			v = fmt.Sprintf(v, i)
			for _, name := range []string{"Cookie", "Authorization", "X-Note", "pin", "pun", ""} {
				questions = append(questions, question{'h', name, v}, question{'v', name, v})
			}
			questions = append(questions, question{'u', "", v}, question{'t', "", v})
		}
	}
	for _, o := range []*sanitize.Options{nil, {Mode: sanitize.ModeShadow}, {Actions: map[string]sanitize.Action{"email": sanitize.ActionToken, "cookie": sanitize.ActionDrop}, TokenKey: []byte("0123456789abcdef")}} {
		p, err := sanitize.New(o)
		if err != nil {
			t.Fatal(err)
		}
		cold, err := sanitize.New(o)
		if err != nil {
			t.Fatal(err)
		}
		want := map[question]string{}
		for _, q := range questions {
			if want[q] = ask(cold, q); strings.Contains(want[q], "malformed") {
				t.Fatalf("%q: %q", q.value, want[q])
			}
		}
		s := p.NewSession()
		rng := rand.New(rand.NewPCG(47, 53))
		for range 40 {
			few := questions[rng.IntN(len(questions)-20):][:20]
			for range 100 {
				q := few[rng.IntN(len(few))]
				if got := ask(s, q); got != want[q] {
					t.Fatalf("session, %c %q: %q became %q, at first %q", q.how, q.name, q.value, got, want[q])
				}
				if got := ask(p, q); got != want[q] {
					t.Fatalf("policy, %c %q: %q became %q, at first %q", q.how, q.name, q.value, got, want[q])
				}
			}
		}
	}
}
