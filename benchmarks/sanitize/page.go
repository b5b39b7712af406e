package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// page is a list of orders as an API returns one, of about n bytes. dense has
// a few sensitive members in each item; otherwise there is nothing to hide.
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

// orders are bodies of about 1 KB with numbers, names, dates and ids that are others
// each time, and a password: nothing remembered of one value helps with another.
func orders() [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("winter limited box gift card table lamp blue small wooden paper coffee rice spicy fresh weekly express return paid shipped 겨울 한정 아이템 상자 주문 배송 커피 할인 무료")
	word := func() string { return words[rng.IntN(len(words))] }
	list := make([][]byte, 64)
	for k := range list {
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"status":"ok","userId":%d,"password":"hunter2-%x","items":[`, rng.IntN(1e7), rng.Uint32())
		for i := 0; b.Len() < 1000; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"id":%d,"orderNo":"ORD-%d","uuid":"%08x-%04x-7%03x-9%03x-%012x","createdAt":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ","name":"%s %s %s","price":%d.%02d,"tags":["%s","%s"],"verified":%v}`,
				rng.IntN(1e9), rng.IntN(1e6), rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Int64N(1<<48),
				1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60), rng.IntN(1000),
				word(), word(), word(), rng.IntN(1e5), rng.IntN(100), word(), word(), rng.IntN(2) == 0)
		}
		b.WriteString(`],"next":null}`)
		list[k] = b.Bytes()
	}
	return list
}

// sensitive are the keys of a page that every contestant masks.
var sensitive = map[string]bool{"email": true, "phone": true, "accessToken": true, "password": true}

// prose is free text without a hit.
func prose() []byte {
	return []byte(strings.Repeat("the upstream did not answer within three seconds, retrying on the next host in the list (attempt 2 of 3), 응답이 없어 다시 시도합니다\n", 120))
}

const addresses = 64

// contacts is a list of e-mail addresses: what is tokenized most.
func contacts() []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range addresses {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"email":"kim%02d@example.kr"}`, i)
	}
	b.WriteByte(']')
	return b.Bytes()
}
