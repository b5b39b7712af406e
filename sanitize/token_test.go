package sanitize

import "testing"

func tokenRun(tb testing.TB) *run {
	p, err := New(&Options{Actions: map[string]Action{"email": ActionToken}, TokenKey: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		tb.Fatal(err)
	}
	return p.base.get()
}

func BenchmarkAppendToken(b *testing.B) {
	r := tokenRun(b)
	v := []byte("kim@example.kr")
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst = r.appendToken(dst[:0], ruleEmail, v)
	}
}

func TestAppendTokenAllocatesNothing(t *testing.T) {
	r := tokenRun(t)
	v := []byte("kim@example.kr")
	dst := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { dst = r.appendToken(dst[:0], ruleEmail, v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The key cache must not take one key for another.
func TestKeyCacheIsExact(t *testing.T) {
	p, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	warm := p.base.get()
	fresh := func(k []byte, sc scope) decision {
		var ks keyScratch
		ks.normalize(k)
		return p.base.match(&ks, sc)
	}
	base := "abcdefghijklmnopqrstuvwxyzpassword"
	for n := 1; n <= len(base); n++ {
		for from := 0; from+n <= len(base); from++ {
			k := []byte(base[from : from+n])
			for _, sc := range []scope{scopeBody, scopeURL} {
				for range 2 {
					if got, want := warm.key(k, sc).rule, fresh(k, sc).rule; got != want {
						t.Fatalf("%q: rule %d from the cache, %d without", k, got, want)
					}
				}
			}
		}
	}
}
