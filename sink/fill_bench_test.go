package sink

import (
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
)

// raw is an exchange as the middleware enqueues it: a POST with 1 KB of JSON in and
// out, header fields in no order.
func raw(body string) *entry.Entry {
	const ua = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 26.3.5"
	e := &entry.Entry{
		TxID: "019c1b2e-7f00-7abc-8def-0123456789ab", Kind: entry.KindServer, Message: "POST /v1/items 200 (0.0 ms)",
		InsertID: "0a1b2c3d4e00000000a1", Severity: entry.SeverityInfo, Span: 0x1122334455667788, Origin: "minted",
		HTTP: entry.HTTP{
			Method: "POST", URL: "/v1/items?page=2&token=abcdef", Protocol: "HTTP/1.1", Status: 200, RemoteIP: "10.0.0.7",
			UserAgent: ua, Referer: "https://shop.example/items",
		},
		Latency: 1234567, Timings: entry.Timings{FirstByte: 234567, Handler: 1234567},
		Facts: entry.Facts{EntryPage: "POST /v1/items"},
	}
	e.Request.Headers = []entry.Header{
		{Name: "User-Agent", Value: ua},
		{Name: "X-Client-User", Value: "8812"},
		{Name: "Accept", Value: "application/json"},
		{Name: "Cookie", Value: "sid=0f1e2d3c4b5a; theme=dark"},
		{Name: "Authorization", Value: "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODEyIn0.c2lnbmF0dXJl"},
		{Name: "X-Request-Id", Value: "5f2c1c1e"},
		{Name: "Content-Type", Value: "application/json"},
		{Name: "Referer", Value: "https://shop.example/items"},
	}
	e.Response.Headers = []entry.Header{{Name: "X-Transaction-Id", Value: string(e.TxID)}, {Name: "Content-Type", Value: "application/json"}}
	for _, m := range []*entry.Message{&e.Request, &e.Response} {
		m.Body = entry.Body{Type: "application/json", Size: int64(len(body))}
		if body != "" {
			m.Body.Raw = []byte(body)
		}
	}
	return e
}

var kilobyte = `{"user":"8812","password":"correct horse","access_token":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","items":[` +
	strings.Repeat(`{"id":17,"name":"아이템 of the shop","price":1200},`, 15) + `{}],"memo":"` + strings.Repeat("x", 40) + `"}`

// BenchmarkFill is what one entry costs the worker before it is written.
func BenchmarkFill(b *testing.B) {
	for name, body := range map[string]string{"fields": "", "bodies": kilobyte} {
		for _, seal := range []string{"clean", "seal"} {
			b.Run(name+"/"+seal, func(b *testing.B) {
				c := newCleaner(nil, &BufferPool{})
				e, line := raw(body), make([]byte, 0, 64<<10)
				var sealer entry.Sealer
				var copied entry.Entry
				var fields [16]entry.Header
				b.ReportAllocs()
				for b.Loop() {
					c.reset()
					copied = *e
					n := copy(fields[:], e.Request.Headers)
					copied.Request.Headers = fields[:n]
					copied.Response.Headers = fields[n : n+copy(fields[n:], e.Response.Headers)]
					if body != "" {
						copied.Request.Body.Raw = append(c.buffers.Get(len(body)), body...)
						copied.Response.Body.Raw = append(c.buffers.Get(len(body)), body...)
					}
					if err := c.clean(&copied); err != nil {
						b.Fatal(err)
					}
					if seal == "clean" {
						continue
					}
					if err := sealer.Seal(&copied, line); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

var _ sanitizer = (*sanitize.Session)(nil)
