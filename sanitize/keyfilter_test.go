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

// deciders are a state that asks the filter, and one that has none.
type deciders struct{ quick, thorough *run }

func newDeciders(t testing.TB, o *Options) deciders {
	quick, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	thorough, err := NewThorough(o)
	if err != nil {
		t.Fatal(err)
	}
	if quick.base.filter == nil {
		t.Fatal("no filter")
	}
	return deciders{quick.base.get(), thorough.base.get()}
}

// key wants the same from both about k.
func (d deciders) key(t testing.TB, k string) {
	t.Helper()
	for sc := range numScopes {
		d.quick.begin([]byte(k))
		d.thorough.begin([]byte(k))
		got, want := d.quick.decide([]byte(k), sc), d.thorough.decide([]byte(k), sc)
		if got != want {
			t.Fatalf("%q, scope %d: with the filter %+v, without %+v", k, sc, got, want)
		}
		if want.rule != ruleNone && want.rule != ruleUnlisted && !d.quick.rs.mayMatch([]byte(k)) {
			t.Fatalf("%q is a key of rule %s, and the filter passes it", k, d.quick.rs.rules[want.rule].name)
		}
	}
}

// The filter passes nothing that is a key of any rule.
func TestKeyFilter(t *testing.T) {
	rules := []Rule{{Name: "own", Keys: []string{"ab", "t01", "회원번호", "ref번호", "x2fa", "1234567"}}}
	all := []deciders{
		newDeciders(t, &Options{Rules: rules}), newDeciders(t, nil),
		newDeciders(t, &Options{Mode: ModeAllow, Allow: []string{"title", "password"}}), newDeciders(t, &Options{Keep: []string{"title", "push token"}}),
	}
	rs := all[0].quick.rs
	var words []string
	for i := range rs.words {
		for _, w := range rs.words[i] {
			words = append(words, w.text)
		}
	}
	for _, w := range rs.parts {
		words = append(words, string(w.bytes))
	}
	rng := rand.New(rand.NewPCG(31, 37))
	for _, w := range words {
		all[0].key(t, w)
		for i := range 60 {
			all[i%len(all)].key(t, decorated(rng, w))
		}
	}
	for _, k := range []string{"EBBE", "\xea\xb0\xc0", "비\xeb\xb9\x84번", "\xba\xf1\xb9\xd0\xb9\xf8\xc8\xa3", "pass[masked:pin]word", strings.Repeat("a", 200) + "password"} {
		all[0].key(t, k)
	}
	// It must pass what most names are, or it is of no use.
	passed, names := 0, strings.Fields("winter limited box seoul order shop item gift card holder table lamp blue red wooden metal glass paper coffee bread noodle soup "+
		"spicy sweet frozen daily express standard return refund pending paid shipped delivered 겨울 한정 아이템 상자 서울 주문 배송 완료 커피 세트 할인 신상품 무료 추천 id orderNo createdAt title")
	for _, w := range names {
		for _, d := range all {
			d.key(t, w)
		}
		if !rs.mayMatch([]byte(w)) {
			passed++
		}
	}
	if passed < len(names)*9/10 {
		t.Errorf("only %d of %d words pass", passed, len(names))
	}
}

// Where a word is too short, or has wildcards, there is no filter.
func TestNoKeyFilter(t *testing.T) {
	for _, k := range []string{"k", "번", "a*b"} {
		// The filter is part of how a key is decided on, so that is done without it.
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
	d := newDeciders(f, nil)
	f.Fuzz(func(t *testing.T, k string) {
		if len(k) < 300 {
			d.key(t, k)
		}
	})
}
