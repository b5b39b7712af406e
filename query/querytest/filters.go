package querytest

import (
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
)

// filterSample is one entry for each filter to tell from the others.
func filterSample() []*entry.Entry {
	at := time.Duration(0)
	call := func(name string, change func(*entry.Entry)) *entry.Entry {
		at += time.Second
		return logEntry(idA, name, at, change)
	}
	return []*entry.Entry{
		call("user", func(e *entry.Entry) { e.Facts.UserID = "8812" }),
		call("user2", func(e *entry.Entry) { e.Facts.UserID = "88123" }),
		call("device", func(e *entry.Entry) { e.Facts.Device = "iPhone15,2" }),
		call("dev", func(e *entry.Entry) { e.Resource = &entry.Resource{Service: "web", ServerUser: "mina"} }),
		call("core", func(e *entry.Entry) { e.Resource = &entry.Resource{Service: "core"} }),
		call("log", func(e *entry.Entry) { e.Kind = entry.KindLog; e.HTTP = entry.HTTP{} }),
		call("post", func(e *entry.Entry) { e.HTTP.Method = "POST" }),
		call("route", func(e *entry.Entry) { e.HTTP.Route = "/api/pay/{id}"; e.HTTP.URL = "/api/pay/7" }),
		call("path", func(e *entry.Entry) { e.HTTP.Route = ""; e.HTTP.URL = "http://core:80/api/pay/9?x=/none" }),
		call("404", func(e *entry.Entry) { e.HTTP.Status = 404 }),
		call("503", func(e *entry.Entry) { e.HTTP.Status = 503 }),
		call("timeout", func(e *entry.Entry) {
			e.Kind, e.HTTP.Status = entry.KindClient, 0
			e.Error = entry.Error{Type: "header_timeout", Message: "waited in vain"}
		}),
		call("slow", func(e *entry.Entry) { e.Latency = 1500 * time.Millisecond }),
		call("body", func(e *entry.Entry) { JSON(&e.Request, `{"memo":"생일 선물 GIFT"}`) }),
		call("header", func(e *entry.Entry) { e.Response.Headers = []entry.Header{{Name: "X-Shard", Value: "gift-7"}} }),
		call("label", func(e *entry.Entry) { e.Labels = []entry.Label{{Name: "coupon", Value: "gift"}} }),
		logEntry(idC, "other", time.Minute),
	}
}

type filterCase struct {
	name   string
	filter query.Filter
	want   []string
}

func filterCases() []filterCase {
	status := func(s string) []query.StatusRange {
		rs, _ := query.ParseStatus(s)
		return rs
	}
	return []filterCase{
		{"user, whole", query.Filter{User: "8812"}, []string{"user"}},
		{"device, a part, any case", query.Filter{Device: "IPHONE"}, []string{"device"}},
		{"server user", query.Filter{ServerUser: "mina"}, []string{"dev"}},
		{"service", query.Filter{Services: []string{"core", "none"}}, []string{"core"}},
		{"service, empty", query.Filter{Services: []string{""}}, []string{}},
		{"kind", query.Filter{Kinds: []entry.Kind{entry.KindLog}}, []string{"log"}},
		{"method", query.Filter{Methods: []string{"post"}}, []string{"post"}},
		{"method, empty", query.Filter{Methods: []string{""}}, []string{}},
		{"route or path", query.Filter{Route: "/api/pay"}, []string{"route", "path"}},
		{"route, not the query", query.Filter{Route: "/none"}, []string{}},
		{"status", query.Filter{Status: status("404")}, []string{"404"}},
		{"status class", query.Filter{Status: status("5xx,4xx")}, []string{"404", "503"}},
		{"no status", query.Filter{Status: status("none")}, []string{"log", "timeout"}},
		{"error type", query.Filter{ErrorTypes: []string{"header_timeout"}}, []string{"timeout"}},
		{"error type, empty", query.Filter{ErrorTypes: []string{""}}, []string{}},
		{"failed", query.Filter{Failed: true}, []string{"503", "timeout"}},
		{"latency", query.Filter{MinLatency: 1500 * time.Millisecond}, []string{"slow"}},
		{"text in body, header, label", query.Filter{Text: "Gift"}, []string{"body", "header", "label"}},
		{"text, Korean", query.Filter{Text: "선물"}, []string{"body"}},
		{"text in an error", query.Filter{Text: "in vain"}, []string{"timeout"}},
		{"txid", query.Filter{TxID: "order:"}, []string{"other"}},
		{"all must match", query.Filter{User: "8812", Failed: true}, []string{}},
	}
}
