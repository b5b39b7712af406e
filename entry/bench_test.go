package entry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// exchange is what a POST with 1 KB of JSON in and out makes.
func exchange() *entry.Entry {
	item := `{"id":17,"name":"아이템 of the shop","price":1200},`
	body := []byte(`{"user":"8812","password":"[masked:key]","access_token":"[masked:key]","items":[` + strings.Repeat(item, 15) + `],"memo":"` + strings.Repeat("x", 50) + `"}`)
	e := &entry.Entry{
		Time: time.Date(2026, 3, 4, 19, 4, 5, 123456789, time.UTC), TxID: "0197a3c2-7f10-7b3e-9c41-5d0c00000001",
		InsertID: "0a1b2c3d4e00000000a1", Severity: entry.SeverityInfo, Kind: entry.KindServer,
		Message: "POST /v1/items 200 (0.0 ms)", Span: 0x1122334455667788, Origin: "minted",
		HTTP: entry.HTTP{
			Method: "POST", URL: "/v1/items?page=2&token=[masked:key]", Protocol: "HTTP/1.1", Status: 200, RemoteIP: "10.0.0.7",
			UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 26.3.5",
			Referer:   "https://shop.example/items",
		},
		Latency: 1234567, Timings: entry.Timings{FirstByte: 234567, Handler: 1234567},
		Facts:      entry.Facts{EntryPage: "POST /v1/items"},
		Redactions: []entry.Redaction{{Rule: "auth-header", Count: 1}, {Rule: "cookie", Count: 2}, {Rule: "key", Count: 5}},
	}
	e.Request = entry.Message{
		Headers: []entry.Header{
			{Name: "Accept", Value: "application/json"},
			{Name: "Authorization", Value: "Bearer [masked:auth-header]"},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Cookie", Value: "sid=[masked:cookie]; theme=[masked:cookie]"},
			{Name: "Referer", Value: e.HTTP.Referer},
			{Name: "User-Agent", Value: e.HTTP.UserAgent},
			{Name: "X-Client-User", Value: "8812"},
			{Name: "X-Request-Id", Value: "5f2c1c1e"},
		},
		Body: entry.Body{Content: body, Encoding: "utf-8", Type: "application/json", Size: int64(len(body))},
	}
	e.Response = entry.Message{
		Headers: []entry.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Transaction-Id", Value: string(e.TxID)}},
		Body:    e.Request.Body,
	}
	return e
}

// BenchmarkSeal is what one exchange's line costs the queue's worker.
func BenchmarkSeal(b *testing.B) {
	e := exchange()
	buf := make([]byte, 0, 64<<10)
	b.SetBytes(int64(len(e.AppendJSON(nil))))
	b.ReportAllocs()
	var s entry.Sealer
	for b.Loop() {
		c := *e
		if err := s.Seal(&c, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClip is the part of it that looks for what is too long.
func BenchmarkClip(b *testing.B) {
	e := exchange()
	for b.Loop() {
		e.Clip()
	}
}

// BenchmarkContent is a line that is little else than one body.
func BenchmarkContent(b *testing.B) {
	for name, s := range map[string]string{
		"json":   string(exchange().Request.Body.Content),
		"plain":  strings.Repeat("plain text without anything in it ", 30),
		"korean": strings.Repeat("오후 일곱 시 사 분에 무슨 일이 있었나 ", 20),
		"pretty": strings.Repeat("{\n\t\"id\": 17,\n\t\"name\": \"x\"\n}\n", 34),
	} {
		b.Run(name, func(b *testing.B) {
			e := entry.Entry{Response: entry.Message{Body: entry.Body{Content: []byte(s), Encoding: "utf-8"}}}
			buf := make([]byte, 0, 64<<10)
			b.SetBytes(int64(len(s)))
			var s entry.Sealer
			for b.Loop() {
				c := e
				if err := s.Seal(&c, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
