package sanitize

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// Whatever stands in a string, and however few bytes follow it, it is UTF-8 if the
// standard library says so.
func TestValidText(t *testing.T) {
	check := func(text string) {
		t.Helper()
		for _, behind := range []string{`"`, `","a":1}`, "\"\x80\x80\x80\x80\x80\x80\x80"} {
			src := []byte(`"` + text + behind)
			if got, want := validText(src, 1, 1+len(text)), utf8.ValidString(text); got != want {
				t.Fatalf("%q before %q: %v, want %v", text, behind, got, want)
			}
		}
	}
	edges := []byte{0, 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff}
	for _, a := range edges {
		for _, b := range edges {
			for _, c := range edges {
				for _, before := range []string{"", "of the sh", "아이템 "} {
					check(before + string([]byte{a, b, c}))
					check(before + string([]byte{a, b, c}) + " of the shop")
				}
				for _, d := range []byte{'a', 0x80, 0xbf, 0xc0} {
					check(string([]byte{a, b, c, d}))
				}
			}
		}
	}
	for r := range rune(0x11000) {
		check(string(r) + "x")
	}
}

// Each digit is counted once, whatever the length.
func TestCountDigits(t *testing.T) {
	rng := rand.New(rand.NewPCG(59, 61))
	for n := 8; n < 70; n++ {
		for range 50 {
			v, want := make([]byte, n), 0
			for i := range v {
				v[i] = "0189/:a\x00\xb0\xb9"[rng.IntN(10)]
				if isDigit(v[i]) {
					want++
				}
			}
			if got := countDigits(v); got != want {
				t.Fatalf("%q: %d digits, want %d", v, got, want)
			}
		}
	}
}

// Values that are different each time do not drive out those that are not.
func TestMemoKeepsWhatComesAgain(t *testing.T) {
	var m memo
	again := []string{"application/json", "https://shop.example/items", "Mozilla/5.0", "gzip, deflate"}
	id := []byte("019c1b2e-7f00-7abc-8def-000000000000")
	misses := 0
	for n := range 10_000 {
		for _, v := range again {
			slot, hit := m.slot(memoHash("X-Note", v), asHeader, "X-Note", v)
			if !hit {
				misses++
				slot.put(asHeader, "X-Note", v)
			}
		}
		for k, i := len(id)-1, n; i > 0; k, i = k-1, i/10 {
			id[k] = byte('0' + i%10)
		}
		slot, _ := m.slot(memoHash("", string(id)), asText, "", string(id))
		slot.put(asText, "", string(id))
	}
	if misses > 20 {
		t.Errorf("%d misses of %d look-ups", misses, 10_000*len(again))
	}
}
