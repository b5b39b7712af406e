package sanitize_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// page is a list of orders as an API returns one, of about n bytes. dense has
// a few sensitive members per item; otherwise there is nothing to hide.
func page(n int, dense bool) []byte {
	var b bytes.Buffer
	b.WriteString(`{"status":"ok","page":1,"items":[`)
	for i := 0; b.Len() < n-300; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"orderNo":"ORD-2026-%06d","createdAt":"2026-11-20T01:02:%02dZ","title":"겨울 한정 아이템 상자 %d","description":"A box of seasonal items, delivered within three days","price":%d.50,"currency":"KRW","tags":["winter","limited","box"],"seller":{"id":%d,"displayName":"Shop %d","rating":4.%d,"verified":true},"traceId":"0192f3c4-7b1a-7c3d-9e5f-%012x","stock":null`,
			1000+i, i, i%60, i, 1000+i*7, 77+i, i, i%10, i*7919)
		if dense {
			fmt.Fprintf(&b, `,"buyer":{"email":"kim%d@example.kr","phone":"010-1234-%04d","accessToken":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl%d"},"password":"hunter2-%d"`, i, i%10000, i, i)
		}
		b.WriteByte('}')
	}
	b.WriteString(`],"next":null}`)
	return b.Bytes()
}

func walk(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			switch strings.ToLower(k) {
			case "password", "accesstoken", "email", "phone":
				x[k] = "[masked]"
			default:
				x[k] = walk(e)
			}
		}
	case []any:
		for i := range x {
			x[i] = walk(x[i])
		}
	}
	return v
}

func BenchmarkJSON(b *testing.B) {
	full, err := sanitize.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	keys, err := sanitize.New(&sanitize.Options{KeysOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []struct {
		name string
		n    int
	}{{"1KB", 1 << 10}, {"16KB", 16 << 10}, {"1MB", 1 << 20}} {
		for _, dense := range []bool{false, true} {
			body := page(size.n, dense)
			kind := "clean"
			if dense {
				kind = "dense"
			}
			run := func(p *sanitize.Policy) func(b *testing.B) {
				return func(b *testing.B) {
					b.SetBytes(int64(len(body)))
					b.ReportAllocs()
					var dst []byte
					var rep sanitize.Report
					in := sanitize.Input{Kind: sanitize.KindJSON}
					for b.Loop() {
						dst, _ = p.AppendBody(dst[:0], body, in, &rep)
						rep.Reset()
					}
				}
			}
			b.Run(size.name+"/"+kind+"/keys", run(keys))
			b.Run(size.name+"/"+kind+"/full", run(full))
			b.Run(size.name+"/"+kind+"/encoding-json", func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					var v any
					if err := json.Unmarshal(body, &v); err != nil {
						b.Fatal(err)
					}
					if _, err := json.Marshal(walk(v)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// payload is a document of about n bytes with a user, two secrets, and a list.
func payload(n int) []byte {
	b := []byte(`{"user":"8812","password":"correct horse","access_token":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","items":[`)
	for i := 1; len(b) < n-100; i++ {
		if i > 1 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":%d,"name":"아이템 of the shop","price":1200}`, i)
	}
	return append(b, `],"memo":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}`...)
}

// order is a list of orders of about 1 KB of which no value comes again: numbers,
// names, dates and ids are others each time.
func order(rng *rand.Rand) []byte {
	words := strings.Fields("winter limited box gift card table lamp blue small wooden paper coffee rice spicy fresh weekly express return paid shipped 겨울 한정 아이템 상자 주문 배송 커피 할인 무료")
	word := func() string { return words[rng.IntN(len(words))] }
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"status":"ok","userId":%d,"password":"%x","items":[`, rng.IntN(1e7), rng.Uint32())
	for i := 0; b.Len() < 1000; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"orderNo":"ORD-%d","uuid":"%08x-%04x-7%03x-9%03x-%012x","createdAt":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ","name":"%s %s %s","price":%d.%02d,"tags":["%s","%s"],"verified":%v}`,
			rng.IntN(1e9), rng.IntN(1e6), rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Int64N(1<<48), 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60), rng.IntN(1000),
			word(), word(), word(), rng.IntN(1e5), rng.IntN(100), word(), word(), rng.IntN(2) == 0)
	}
	b.WriteString(`],"next":null}`)
	return b.Bytes()
}

// BenchmarkExchange is what a POST of 1 KB in and out gives the sanitizer to do.
func BenchmarkExchange(b *testing.B) {
	var p *sanitize.Policy
	body := payload(1 << 10)
	headers := [][2]string{
		{"Accept", "application/json"},
		{"Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODEyIn0.c2lnbmF0dXJl"},
		{"Content-Type", "application/json"},
		{"Cookie", "sid=0f1e2d3c4b5a; theme=dark"},
		{"Referer", "https://shop.example/items"},
		{"User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 26.3.5"},
		{"X-Client-User", "8812"},
		{"X-Request-Id", "5f2c1c1e"},
		{"Content-Type", "application/json"},
		{"X-Transaction-Id", "0192f3c4-7b1a-7c3d-9e5f-0123456789ab"},
	}
	var rep sanitize.Report
	var dst []byte
	b.Run("body", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			dst, _ = p.AppendBody(dst[:0], body, sanitize.Input{ContentType: "application/json"}, &rep)
			rep.Reset()
		}
	})
	b.Run("varied", func(b *testing.B) {
		rng := rand.New(rand.NewPCG(1, 2))
		bodies := make([][]byte, 256)
		n := 0
		for i := range bodies {
			bodies[i] = order(rng)
			n += len(bodies[i])
		}
		s := p.NewSession()
		b.SetBytes(int64(n / len(bodies)))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			dst, _ = s.AppendBody(dst[:0], bodies[i%len(bodies)], sanitize.Input{ContentType: "application/json"}, &rep)
			rep.Reset()
		}
	})
	b.Run("headers", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, h := range headers {
				p.Header(h[0], h[1], &rep)
			}
			rep.Reset()
		}
	})
	b.Run("url", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.URL("/v1/items?page=2&token=abcdef", &rep)
			rep.Reset()
		}
	})
}

func BenchmarkText(b *testing.B) {
	p, err := sanitize.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(strings.Repeat("the upstream did not answer within three seconds, retrying on the next host in the list (attempt 2 of 3), 응답이 없어 다시 시도합니다\n", 120))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst, _ = p.AppendBody(dst[:0], text, sanitize.Input{Kind: sanitize.KindText}, nil)
	}
}

func BenchmarkHeader(b *testing.B) {
	var p *sanitize.Policy
	for _, h := range [][2]string{
		{"User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"},
		{"Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"},
		{"Cookie", "theme=dark; sid=0a1b2c3d4e5f; lang=ko"},
	} {
		b.Run(h[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Header(h[0], h[1], nil)
			}
		})
	}
}

func BenchmarkURL(b *testing.B) {
	var p *sanitize.Policy
	b.ReportAllocs()
	for b.Loop() {
		p.URL("https://api.example.kr/v1/orders/1234/items?page=2&size=20&sort=created", nil)
	}
}

func BenchmarkToken(b *testing.B) {
	p, err := sanitize.New(&sanitize.Options{
		Actions: map[string]sanitize.Action{"email": sanitize.ActionToken}, TokenKey: []byte("0123456789abcdef0123456789abcdef"),
	})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"email":"kim@example.kr"}`)
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst, _ = p.AppendBody(dst[:0], body, sanitize.Input{Kind: sanitize.KindJSON}, nil)
	}
}
