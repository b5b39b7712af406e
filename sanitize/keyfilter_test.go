package sanitize

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// decorated is a word as people write one: with separators, capitals and digits inside,
// and other words around it.
func decorated(rng *rand.Rand, w string) string {
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	var b strings.Builder
	b.WriteString(pick("", "", "user ", "new_", "아이템 ", "x1", "$", "the", "id=", "A&"))
	for _, c := range w {
		if rng.IntN(20) == 0 {
			b.WriteString(pick("-", "_", " ", ".", "\u200b", "!", "%20", "\t", "1", "가"))
		}
		s := string(c)
		switch rng.IntN(20) {
		case 0, 1:
			s = strings.ToUpper(s)
		case 2:
			s = strings.NewReplacer("o", "0", "i", "1", "e", "3", "a", "4", "s", "5", "t", "7").Replace(s)
		case 3:
			s = strings.NewReplacer("i", "!", "a", "@", "s", "$", "o", "о", "e", "&#101;", "n", "%6e", "w", `\u0077`, "p", "ｐ").Replace(s)
		}
		b.WriteString(s)
	}
	b.WriteString(pick("", "", "", "1", "_count", " confirm", "Value", "가", "s", " of the shop"))
	return b.String()
}

func checkFilter(t *testing.T, r *run, k string) {
	t.Helper()
	for sc := range numScopes {
		if dec := r.decide([]byte(k), sc); dec.rule != ruleNone && !r.rs.mayMatch([]byte(k)) {
			t.Fatalf("%q is a key of rule %s, and the filter passes it", k, r.rs.rules[dec.rule].name)
		}
	}
}

// The filter passes nothing that is a key of any rule.
func TestKeyFilter(t *testing.T) {
	p, err := New(&Options{Rules: []Rule{{Name: "own", Keys: []string{"ab", "t01", "회원번호", "ref번호", "x2fa", "1234567"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := p.base.get()
	if p.base.filter == nil {
		t.Fatal("no filter")
	}
	var words []string
	for i := range p.base.words {
		for _, w := range p.base.words[i] {
			words = append(words, w.text)
		}
	}
	for _, w := range p.base.parts {
		words = append(words, string(w.bytes))
	}
	rng := rand.New(rand.NewPCG(31, 37))
	for _, w := range words {
		checkFilter(t, r, w)
		for range 60 {
			checkFilter(t, r, decorated(rng, w))
		}
	}
	for _, k := range []string{"EBBE", "\xea\xb0\xc0", "비\xeb\xb9\x84번", "\xba\xf1\xb9\xd0\xb9\xf8\xc8\xa3", "pass[masked:pin]word", strings.Repeat("a", 200) + "password"} {
		checkFilter(t, r, k)
	}
	// It must pass what most names are, or it is of no use.
	passed, all := 0, strings.Fields("winter limited box seoul order shop item gift card holder table lamp blue red wooden metal glass paper coffee bread noodle soup "+
		"spicy sweet frozen daily express standard return refund pending paid shipped delivered 겨울 한정 아이템 상자 서울 주문 배송 완료 커피 세트 할인 신상품 무료 추천 id orderNo createdAt title")
	for _, w := range all {
		if !p.base.mayMatch([]byte(w)) {
			passed++
		}
	}
	if passed < len(all)*9/10 {
		t.Errorf("only %d of %d words pass", passed, len(all))
	}
}

// Where a word is too short, or has wildcards, there is no filter.
func TestNoKeyFilter(t *testing.T) {
	for _, k := range []string{"k", "번", "a*b"} {
		p, err := New(&Options{Rules: []Rule{{Name: "own", Keys: []string{k}}}})
		if err != nil {
			t.Fatal(err)
		}
		if !p.base.mayMatch([]byte("harmless")) {
			t.Errorf("%q: a filter", k)
		}
	}
}

func FuzzKeyFilter(f *testing.F) {
	rng := rand.New(rand.NewPCG(41, 43))
	for i := range defaultRules {
		for _, w := range parseWords(defaultRules[i].words, defaultRules[i].id, inAll) {
			f.Add(decorated(rng, w.text))
		}
	}
	p, err := New(nil)
	if err != nil {
		f.Fatal(err)
	}
	r := p.base.get()
	f.Fuzz(func(t *testing.T, k string) {
		if len(k) < 300 {
			checkFilter(t, r, k)
		}
	})
}
