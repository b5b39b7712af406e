package main

import (
	"bytes"
	"fmt"
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
