package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// generator makes entries as three services would: five or so for each transaction,
// of users on devices, with headers, ids and bodies that vary.
type generator struct {
	rng   *rand.Rand
	now   time.Time
	mint  *txid.Minter
	words []string
	names []string
	res   []*entry.Resource
	open  []story
	seq   int
	tag   string
	buf   []byte
	slab  []byte
	fail  bool // the next one fails
	// Of each so many transactions one is remembered, with the number of its entries.
	sample, stories int
	ids             []txid.ID
	count           map[txid.ID]int
}

// story is a transaction in progress.
type story struct {
	id    txid.ID
	left  int
	facts entry.Facts
	agent string
	ip    string
	trace string
}

// route is an endpoint: how often it is called, and how.
type route struct {
	method, path, service string
}

func routes() []route {
	return []route{
		{"GET", "/items", "web"},
		{"GET", "/items/{id}", "web"},
		{"GET", "/items/{id}/reviews", "core"},
		{"POST", "/api/cart", "web"},
		{"GET", "/api/cart", "web"},
		{"POST", "/api/pay", "web"},
		{"POST", "/v1/charge", "core"},
		{"GET", "/v1/users/{id}", "core"},
		{"GET", "/v1/stock/{id}", "core"},
		{"PUT", "/v1/stock/{id}", "core"},
		{"GET", "/", "ssr"},
		{"GET", "/search", "ssr"},
		{"GET", "/orders/{id}", "ssr"},
		{"GET", "/v1/orders/{id}", "core"},
		{"POST", "/v1/orders", "core"},
		{"DELETE", "/api/cart/{id}", "web"},
		{"GET", "/v1/prices", "core"},
		{"GET", "/v1/coupons/{id}", "core"},
		{"POST", "/api/login", "web"},
		{"GET", "/me", "ssr"},
	}
}

func newGenerator(seed uint64, start time.Time) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 7)), now: start, tag: fmt.Sprintf("%010x", seed*0x9e3779b97f4a7c15>>24)}
	g.count = make(map[txid.ID]int)
	g.mint = txid.NewMinter(func() time.Time { return g.now })
	// A vocabulary of 4,000 words, of which the first are the most used.
	const letters = "etaoinshrdlucmfwypvbgkjqxz"
	for range 4000 {
		w := make([]byte, 3+g.rng.IntN(8))
		for i := range w {
			w[i] = letters[min(g.rng.IntN(len(letters)), g.rng.IntN(len(letters)))]
		}
		g.words = append(g.words, string(w))
	}
	for range 300 {
		g.names = append(g.names, fmt.Sprintf("%s-%s", g.word(), g.word()))
	}
	for _, s := range [...]string{"web", "core", "ssr"} {
		for i := range 3 {
			host := fmt.Sprintf("%s-7c9d8-%05x", s, g.rng.IntN(1<<20))
			g.res = append(g.res, &entry.Resource{Service: s, Version: "1.42." + strconv.Itoa(i), Environment: "production", Host: host, Instance: host, PID: 7 + i})
		}
	}
	return g
}

func (g *generator) word() string {
	n := g.rng.IntN(len(g.words))
	return g.words[min(n, g.rng.IntN(len(g.words)))]
}

func (g *generator) begin() story {
	models := [...]string{"SM-S921N", "iPhone16,2", "SM-A556S", "Pixel 9", "iPhone15,3", "SM-F946N", "iPhone14,5", "LM-V500N", "SM-G998N", "iPad13,4"}
	m := models[g.rng.IntN(len(models))]
	s := story{id: g.mint.New(), left: 2 + g.rng.IntN(7)}
	s.facts = entry.Facts{
		UserID: "u" + strconv.Itoa(g.rng.IntN(400_000)), Device: m, OS: "Android " + strconv.Itoa(12+g.rng.IntN(4)),
		AppVersion: "5." + strconv.Itoa(g.rng.IntN(6)) + "." + strconv.Itoa(g.rng.IntN(9)), Country: [...]string{"KR", "KR", "KR", "JP", "US"}[g.rng.IntN(5)], EntryPage: "GET /items",
	}
	s.agent = "Mozilla/5.0 (Linux; Android 14; " + m + "; wv) AppleWebKit/537.36 Version/4.0 Chrome/" +
		strconv.Itoa(120+g.rng.IntN(12)) + ".0." + strconv.Itoa(6000+g.rng.IntN(400)) + "." + strconv.Itoa(g.rng.IntN(200)) + " Mobile Safari/537.36"
	s.ip = fmt.Sprintf("%d.%d.%d.%d", 1+g.rng.IntN(222), g.rng.IntN(256), g.rng.IntN(256), g.rng.IntN(256))
	s.trace = fmt.Sprintf("%016x%016x", g.rng.Uint64(), g.rng.Uint64())
	if g.stories++; g.sample > 0 && g.stories%g.sample == 0 {
		g.ids = append(g.ids, s.id)
		g.count[s.id] = 0
	}
	return s
}

// next makes the next entry, sealed, at a time.
func (g *generator) next(at time.Time, all []route) *entry.Entry {
	g.now = at
	if len(g.open) < 40 {
		g.open = append(g.open, g.begin())
	}
	i := g.rng.IntN(len(g.open))
	s := &g.open[i]
	e := g.entry(s, all[min(g.rng.IntN(len(all)), g.rng.IntN(len(all)))])
	if s.left--; s.left <= 0 {
		g.open[i] = g.open[len(g.open)-1]
		g.open = g.open[:len(g.open)-1]
	}
	return e
}

func (g *generator) entry(s *story, r route) *entry.Entry {
	rng := g.rng
	g.seq++
	if n, ok := g.count[s.id]; ok {
		g.count[s.id] = n + 1
	}
	e := &entry.Entry{
		Time: g.now, TxID: s.id, InsertID: g.tag + fmt.Sprintf("%010x", g.seq), Kind: entry.KindServer, Severity: entry.SeverityInfo,
		Span: g.mint.Span(), Parent: g.mint.Span(), Facts: s.facts, Latency: time.Duration(rng.ExpFloat64() * 4e7),
	}
	e.Trace = txid.Trace{ID: s.trace, Span: e.Span, Sampled: true}
	path := r.path
	if n := len(path); n > 4 && path[n-4:] == "{id}" {
		path = path[:n-4] + strconv.Itoa(rng.IntN(50_000))
	}
	e.HTTP = entry.HTTP{
		Method: r.method, Route: r.path, URL: path, Protocol: "HTTP/1.1", Status: 200, RemoteIP: s.ip, UserAgent: s.agent,
	}
	if rng.IntN(3) == 0 {
		e.HTTP.URL += "?page=" + strconv.Itoa(rng.IntN(40)) + "&q=" + g.word()
	}
	switch n := rng.IntN(1000); {
	case n < 12, g.fail:
		e.HTTP.Status, e.Severity = 500+rng.IntN(4), entry.SeverityError
	case n < 50:
		e.HTTP.Status, e.Severity = 400+rng.IntN(30), entry.SeverityWarning
	}
	for _, res := range g.res[rng.IntN(len(g.res)):] {
		if e.Resource = res; res.Service == r.service {
			break
		}
	}
	if rng.IntN(3) == 0 {
		e.Kind = entry.KindClient
		e.HTTP.ServerAddress, e.HTTP.ServerPort = "core.internal", 8080
		e.Peer.Service = "core"
		if e.HTTP.Status >= 500 {
			e.Error = entry.Error{Type: entry.ErrorHeaderTimeout, Message: "no response headers within 1.5 s from core.internal:8080"}
		}
	}
	e.Message = e.HTTP.Method + " " + path + " " + strconv.Itoa(e.HTTP.Status)
	e.Timings = entry.Timings{Handler: e.Latency - e.Latency/10}
	e.Request.Headers = []entry.Header{
		{Name: "Accept", Value: "application/json"},
		{Name: "Accept-Encoding", Value: "gzip, deflate, br"},
		{Name: "Cookie", Value: "[masked:cookie]"},
		{Name: "X-Request-Id", Value: fmt.Sprintf("%016x", rng.Uint64())},
	}
	e.Response.Headers = []entry.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Date", Value: g.now.Format(time.RFC1123)},
	}
	if r.method == "POST" || r.method == "PUT" {
		e.Request.Body = g.body(10 + rng.IntN(100))
	}
	e.Response.Body = g.body(10 + rng.IntN(100))
	// Lines share slabs, as a queue's do.
	if cap(g.slab)-len(g.slab) < 6<<10 {
		g.slab = make([]byte, 0, 256<<10)
	}
	_ = e.Seal(g.slab) // neither sealed nor raw: it can not fail
	g.slab = g.slab[:len(g.slab)+len(e.Line())]
	return e
}

// body is JSON with words, numbers and ids.
func (g *generator) body(size int) entry.Body {
	b := append(g.buf[:0], '{')
	for i := 0; len(b) < size; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, g.names[g.rng.IntN(40)]...)
		b = append(b, `":`...)
		switch g.rng.IntN(5) {
		case 0:
			b = strconv.AppendInt(b, int64(g.rng.IntN(1_000_000)), 10)
		case 1:
			b = append(b, '"')
			b = strconv.AppendUint(b, g.rng.Uint64(), 36)
			b = append(b, '"')
		case 2:
			b = append(b, "true"...)
		default:
			b = append(b, '"')
			for range 1 + g.rng.IntN(6) {
				b = append(b, g.word()...)
				b = append(b, ' ')
			}
			b = append(b, '"')
		}
	}
	b = append(b, '}')
	g.buf = b
	return entry.Body{Content: append([]byte(nil), b...), Encoding: "utf-8", Type: "application/json", Size: int64(len(b))}
}
